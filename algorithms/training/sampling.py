"""One token per completion from the model's logits: the likeliest, or a seeded draw."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from algorithms.asking import Sampling
from algorithms.training.seeds import stream

_BLOCK = 64
"""Random numbers drawn at a time per completion."""
_ROWS = 64
"""Rows of logits worked on at a time; bounds the memory of large vocabularies."""


class Draws:
    """Uniform random numbers per completion and position, whoever else is in the batch."""

    def __init__(self, seed: int, names: Sequence[tuple[str, int]]) -> None:
        self._streams = [stream("sample", seed, *name) for name in names]
        self._block = np.empty((len(names), 0))
        self._start = 0

    def at(self, position: int) -> Float[np.ndarray, " B"]:
        """Return a number in [0, 1) for each completion; positions must not go back."""
        while position >= self._start + self._block.shape[1]:
            self._start += self._block.shape[1]
            self._block = np.stack([generator.random(_BLOCK) for generator in self._streams])
        column: Float[np.ndarray, " B"] = self._block[:, position - self._start]
        return column


def choose(
    logits: Float[Tensor, "B V"],
    sampling: Sampling,
    *,
    uniforms: Float[Tensor, " B"],
    greedy: Bool[Tensor, " B"],
) -> Int[Tensor, " B"]:
    """Return the next token of each row: argmax where greedy, else by inverting the CDF."""
    likeliest = logits.argmax(dim=-1)
    if bool(greedy.all()):
        return likeliest
    logits_parts, uniform_parts = torch.split(logits, _ROWS), torch.split(uniforms, _ROWS)
    drawn = [
        _draw(part, sampling, uniform)
        for part, uniform in zip(logits_parts, uniform_parts, strict=True)
    ]
    return torch.where(greedy, likeliest, torch.cat(drawn))


def _draw(
    logits: Float[Tensor, "B V"], sampling: Sampling, uniforms: Float[Tensor, " B"]
) -> Int[Tensor, " B"]:
    scaled = logits.double() / sampling.temperature
    if 0 < sampling.top_k < scaled.shape[-1]:
        least = scaled.topk(sampling.top_k).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, -torch.inf)
    probabilities = scaled.softmax(dim=-1)
    if sampling.top_p < 1:
        probabilities = _nucleus(probabilities, sampling.top_p)
    cdf = probabilities.cumsum(dim=-1)
    return (cdf <= (uniforms * cdf[:, -1]).unsqueeze(-1)).sum(dim=-1)


def _nucleus(probabilities: Float[Tensor, "B V"], top_p: float) -> Float[Tensor, "B V"]:
    """Return the probabilities with 0 outside the smallest set that holds `top_p` of the mass."""
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(dim=-1) - ordered
    kept = torch.where(before < top_p, ordered, 0.0)
    return torch.zeros_like(probabilities).scatter(-1, order, kept)
