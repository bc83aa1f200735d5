"""Log-probabilities of a reference policy: computed once, before the first update."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from algorithms.base import Reporter, Stopped
from algorithms.settings import LLMSettings
from algorithms.training.completions import Ragged, TrainingSet, require_readable
from algorithms.training.distributed import ALONE, Ranks
from algorithms.training.logprobs import logprobs_as_set
from algorithms.training.policy import Policy

REFERENCE_FILE = "reference.safetensors"
_FACTOR = 4
"""Completions read side by side, in micro-batches: they need no memory for gradients."""


def with_reference(
    data: TrainingSet,
    policy: Policy,
    *,
    rows: np.ndarray,
    settings: LLMSettings,
    folder: Path,
    reporter: Reporter,
    ranks: Ranks = ALONE,
) -> TrainingSet:
    """Return the training set with log pi_ref of some completions' tokens, in nats and float32.

    They are kept in a folder, so that a resumed training need not compute them again.

    Args:
        rows: completions that are trained on; the others get zeros.
        policy: the reference policy.
        folder: checkpoints of the job.
        ranks: the processes that share the work.

    Raises:
        UserError: the reference policy cannot read the completions.
        Stopped: the reporter asked for it; nothing is kept of what was not finished.
    """
    require_readable(data, policy)
    path = folder / REFERENCE_FILE
    values = ranks.share(_kept(path, len(data.completions.values)))
    if values is None:
        mine = np.zeros(len(data.completions.values), dtype=np.float32)
        size = _FACTOR * settings.micro_batch_size
        for chosen in _by_length(data, rows, size, reporter=reporter, ranks=ranks):
            mine[_places(data.completions, chosen)] = _read(data, chosen, policy, settings)
        values = ranks.share(sum(ranks.gather(mine), start=np.zeros_like(mine)))
        if ranks.is_first:
            _keep(values, path)
    return replace(data, reference_logprobs=Ragged(values, data.completions.ends))


def _kept(path: Path, tokens: int) -> np.ndarray | None:
    """Return what an earlier attempt computed; None where that is missing or damaged."""
    try:
        values = load_file(path)["logprobs"].numpy()
    except (OSError, KeyError, SafetensorError):
        return None
    return values if values.shape == (tokens,) else None


def _keep(values: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({"logprobs": torch.from_numpy(values)}, part)
    part.rename(path)


def _by_length(
    data: TrainingSet, rows: np.ndarray, size: int, *, reporter: Reporter, ranks: Ranks
) -> Iterator[np.ndarray]:
    """Yield each of the rows once, beside rows of like length: those of this process."""
    used = np.unique(rows)
    lengths = (data.prompts.lengths + data.completions.lengths)[used]
    ordered = used[np.argsort(lengths, kind="stable")]
    for start in range(ranks.rank * size, len(ordered), ranks.size * size):
        reporter.progress(start, len(ordered), "completions read by the reference policy")
        if reporter.should_stop():
            raise Stopped("Stopped while the reference policy read the completions.")
        yield ordered[start : start + size]


def _read(data: TrainingSet, rows: np.ndarray, policy: Policy, settings: LLMSettings) -> np.ndarray:
    sequences, batch = data.batch(rows, policy.device)
    with torch.no_grad():
        found = logprobs_as_set(policy.model, sequences, settings)
    values: np.ndarray = found[batch.mask].float().cpu().numpy()
    return values


def _places(completions: Ragged, rows: np.ndarray) -> np.ndarray:
    """Return where the tokens of some completions are in the flat array."""
    sizes = completions.lengths[rows]
    starts = completions.ends[rows] - sizes
    within = np.arange(sizes.sum()) - np.repeat(sizes.cumsum() - sizes, sizes)
    places: np.ndarray = np.repeat(starts, sizes) + within
    return places
