"""Behaviour log-probabilities by the code that trains, and how far an engine's are off."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from algorithms.base import Summary
from algorithms.training.logprobs import Precision, pad, token_logprobs
from algorithms.training.policy import Policy

GAP_FILE = "logprob_gap.json"
LARGE_NATS = 0.1
"""From here on the difference of one token counts as large."""
_EDGES = np.concatenate([[0.0], np.logspace(-7, 1, 33)])
"""Of the histogram, in nats; the last bin is open to the right."""


def behaviour_logprobs(
    policy: Policy,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    *,
    batch_size: int,
    precision: Precision = "float32",
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[list[float]]:
    """Return log mu of each completion's tokens in nats, untempered.

    By the function that training uses: the ratio is exactly 1 before the first update.
    """
    rows: list[list[float]] = []
    for start in range(0, len(completions), batch_size):
        on_progress(start)
        end = start + batch_size
        sequences = pad(prompts[start:end], completions[start:end]).to(policy.device)
        with torch.no_grad():
            logprobs = token_logprobs(policy.model, sequences, precision=precision)
        for values, mask in zip(logprobs.cpu(), sequences.mask.cpu(), strict=True):
            rows.append(values[mask].tolist())
    on_progress(len(completions))
    return rows


@dataclass(frozen=True)
class LogprobGap:
    """|engine - trainer| of the log-probability of each token, in nats."""

    tokens: int
    mean: float
    p50: float
    p99: float
    max: float
    share_large: float
    """Share of tokens that are off by more than 0.1."""
    edges: tuple[float, ...]
    """Of the histogram's bins."""
    counts: tuple[int, ...]
    """Tokens in each bin."""

    @classmethod
    def between(
        cls, engine: Sequence[Sequence[float] | None], trainer: Sequence[Sequence[float]]
    ) -> "LogprobGap | None":
        """Return the gap over all completions that have both; None without any."""
        pairs = [
            np.abs(np.asarray(theirs, np.float64) - np.asarray(ours, np.float64))
            for theirs, ours in zip(engine, trainer, strict=True)
            if theirs is not None
        ]
        off = np.concatenate(pairs) if pairs else np.zeros(0)
        if off.size == 0:
            return None
        counts, _ = np.histogram(np.minimum(off, _EDGES[-1]), _EDGES)
        return cls(
            tokens=int(off.size),
            mean=float(off.mean()),
            p50=float(np.quantile(off, 0.5)),
            p99=float(np.quantile(off, 0.99)),
            max=float(off.max()),
            share_large=float((off > LARGE_NATS).mean()),
            edges=tuple(_EDGES.tolist()),
            counts=tuple(counts.tolist()),
        )

    def write(self, folder: Path) -> Summary:
        """Leave the figures and the histogram beside the rollouts; return what a summary holds."""
        (folder / GAP_FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")
        return {
            "logprob_gap_mean": self.mean,
            "logprob_gap_p50": self.p50,
            "logprob_gap_p99": self.p99,
            "logprob_gap_max": self.max,
            "logprob_gap_share_large": self.share_large,
        }
