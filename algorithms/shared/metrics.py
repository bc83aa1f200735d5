"""The figures that every training logs about its batch, exact under gradient accumulation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from algorithms.base import CompletionBatch, LossOutput
from algorithms.shared.batch_figures import (
    LARGEST_LOG_RATIO,
    policy_figures,
    quantiles,
    ratio_figures,
    sides,
)
from algorithms.shared.masking import masked_mean, masked_sum, token_counts
from algorithms.shared.ratios import token_log_ratio
from algorithms.shared.source_metrics import source_figures


@dataclass(frozen=True)
class Measured:
    """What one update tells of its batch."""

    figures: Mapping[str, float]
    """Declared metrics."""
    log_ratios: Mapping[tuple[str, str], np.ndarray]
    """Log ratios by level and sign of the advantage, for histograms; empty unless asked for."""


@dataclass(frozen=True)
class Recorded:
    """What a process kept of its micro-batches of an update."""

    names: tuple[str, ...]
    values: np.ndarray
    """A row for each name, one number per completion."""
    own: tuple[tuple[int, Mapping[str, float]], ...]
    """Completions of each micro-batch, with its loss and the algorithm's own metrics."""
    tokens: Mapping[str, np.ndarray]
    """Log ratios of tokens by sign of the advantage; empty unless asked for."""


class BatchRecord:
    """Collects the micro-batches of an update; what it says is that of one big batch.

    Numbers per completion are kept, not sums of them, so that quantiles are exact.
    """

    def __init__(self, *, detailed: bool, has_behaviour: bool) -> None:
        """Start an empty record.

        Args:
            detailed: whether to measure quantiles and histograms of the ratios.
            has_behaviour: whether a policy wrote the completions: there are ratios.
        """
        self._detailed = detailed and has_behaviour
        self._has_behaviour = has_behaviour
        self._own: list[tuple[int, Mapping[str, float]]] = []
        self._names: tuple[str, ...] = ()
        self._parts: list[Tensor] = []
        self._tokens: dict[str, list[np.ndarray]] = {"positive": [], "negative": []}

    @torch.no_grad()
    def add(
        self,
        logprobs: Float[Tensor, "B T"],
        batch: CompletionBatch,
        output: LossOutput,
        *,
        gradient: Float[Tensor, "B T"],
        entropies: Float[Tensor, "B T"] | None = None,
    ) -> None:
        """Take in a micro-batch.

        Args:
            gradient: d loss / d log pi, its loss weighed as in the sum over micro-batches.
            entropies: entropy of the policy at each token, in nats.
        """
        loss = float(output.loss.detach())
        self._own.append((len(batch.rewards), {"loss": loss, **output.metrics}))
        columns = _policy_columns(logprobs, batch, gradient)
        if output.losses is not None:
            columns["loss"] = output.losses
        if entropies is not None:
            columns["entropy_sum"] = masked_sum(entropies, batch.mask)
        if self._has_behaviour:
            log_ratio = token_log_ratio(logprobs, batch.behaviour_logprobs, batch.mask)
            columns |= _ratio_columns(log_ratio, batch, output)
            if self._detailed:
                self._add_tokens(log_ratio, batch)
        self._names = tuple(columns)
        self._parts.append(torch.stack([value.double() for value in columns.values()]))

    def _add_tokens(self, log_ratio: Float[Tensor, "B T"], batch: CompletionBatch) -> None:
        for sign, side in (("positive", batch.advantages > 0), ("negative", batch.advantages < 0)):
            chosen = batch.mask & side.unsqueeze(-1)
            self._tokens[sign].append(log_ratio[chosen].double().cpu().numpy())

    def recorded(self) -> Recorded:
        """Return everything that was added, in main memory: one transfer from the accelerator."""
        values = torch.cat(self._parts, dim=1).cpu().numpy() if self._parts else np.empty((0, 0))
        tokens = {sign: np.concatenate([*parts, []]) for sign, parts in self._tokens.items()}
        return Recorded(self._names, values, tuple(self._own), tokens)

    def measured(self, among: Callable[[Recorded], list[Recorded]] = lambda one: [one]) -> Measured:
        """Return the figures of everything that was added.

        Args:
            among: gives what all processes of a training recorded; nothing to all but one.
        """
        records = [record for record in among(self.recorded()) if record.own]
        if not records:
            return Measured({}, {})
        values = np.concatenate([record.values for record in records], axis=1)
        columns = dict(zip(records[0].names, values, strict=True))
        figures = _of_the_algorithm([part for record in records for part in record.own])
        figures |= policy_figures(columns)
        log_ratios: dict[tuple[str, str], np.ndarray] = {}
        if self._has_behaviour:
            figures |= ratio_figures(columns)
        if "source" in columns:
            figures |= source_figures(columns)
        if self._detailed:
            figures |= quantiles(columns)
            for sign, side in sides(columns).items():
                log_ratios["sequence", sign] = columns["log_ratio"][side]
                log_ratios["token", sign] = np.concatenate([r.tokens[sign] for r in records])
        return Measured(figures, log_ratios)


def _of_the_algorithm(parts: Sequence[tuple[int, Mapping[str, float]]]) -> dict[str, float]:
    """Return the loss and the algorithm's own metrics, weighed by completions."""
    total = sum(count for count, _ in parts)
    figures: dict[str, float] = {}
    for count, own in parts:
        for name, value in own.items():
            figures[name] = figures.get(name, 0.0) + value * (count / total)
    return figures


def _policy_columns(
    logprobs: Float[Tensor, "B T"], batch: CompletionBatch, gradient: Float[Tensor, "B T"]
) -> dict[str, Tensor]:
    columns = {
        "reward": batch.rewards,
        "advantage": batch.advantages,
        "prompt": batch.prompt_index,
        "length": token_counts(batch.mask),
        "logprob": masked_mean(logprobs.double(), batch.mask),
        "pushed_up": masked_sum((-gradient).clamp(min=0).double(), batch.mask),
        "pushed_down": masked_sum(gradient.clamp(min=0).double(), batch.mask),
    }
    if batch.source_index is not None:
        columns["source"] = batch.source_index
    if batch.reference_logprobs is not None:
        behind = token_log_ratio(batch.reference_logprobs, logprobs, batch.mask)
        columns["kl_reference"] = masked_sum(_k3(behind), batch.mask)
    return columns


def _ratio_columns(
    log_ratio: Float[Tensor, "B T"], batch: CompletionBatch, output: LossOutput
) -> dict[str, Tensor]:
    nothing = torch.zeros(len(batch.rewards), device=batch.mask.device)
    weight, clipped = nothing + 1, nothing
    if output.weights is not None:
        weight = masked_mean(output.weights, batch.mask)
    if output.kept is not None:
        clipped = masked_mean((~output.kept).float(), batch.mask)
    return {
        "log_ratio": masked_sum(log_ratio, batch.mask),
        "k3": masked_sum(_k3(log_ratio), batch.mask),
        "weight": weight,
        "clipped": clipped,
    }


def _k3(log_ratio: Float[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """Return x - 1 - log x of each token, x up to e^80: never negative, in float64."""
    bounded = log_ratio.double().clamp(max=LARGEST_LOG_RATIO)
    return bounded.expm1() - bounded
