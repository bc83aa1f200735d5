"""A `transitions` job: a data set of others, checked and in our layout."""

from pathlib import Path
from typing import Any

import numpy as np

from algorithms.base import JobContext, Summary, UserError
from algorithms.control_data.reading import Raw, minari_path, read_file
from algorithms.control_data.references import known_reference, record
from algorithms.control_data.statistics import describe, write_statistics
from algorithms.control_data.validation import checked
from algorithms.control_specs import MinariSet, TransitionsSpec
from algorithms.data.roots import DATA_ROOTS_VARIABLE, allowed_path
from algorithms.environments.registry import action_bounds, observation_size
from algorithms.environments.table import ENVIRONMENTS, known_environment


def run(spec: TransitionsSpec, context: JobContext) -> Summary:
    """Write `transitions.npz`, `metadata.json` and `statistics.json`; return the figures.

    Raises:
        UserError: the file cannot be read, or is not what offline control can learn from.
    """
    raw = _raw(spec, context)
    environment = spec.environment or (raw.environment if raw.environment in ENVIRONMENTS else "")
    low, high = _bounds(spec, raw, environment)
    reference = known_reference(environment, spec.reference, raw.name)
    metadata: dict[str, Any] = {
        "environment": environment,
        "action_low": low,
        "action_high": high,
        "reference": record(reference),
        "provenance": {"imported": spec.model_dump(mode="json"), "name": raw.name},
    }
    data = checked(raw.arrays, metadata, episode_steps=spec.episode_steps)
    if environment:
        _fits(environment, data.observations.shape[1], data.actions.shape[1])
    data.save(context.output)
    statistics = describe(data)
    write_statistics(context.output, statistics)
    for warning in statistics.warnings:
        context.reporter.message(warning, level="warning")
    return statistics.summary() | {"reference": reference.source if reference else ""}


def _raw(spec: TransitionsSpec, context: JobContext) -> Raw:
    source = spec.source
    if isinstance(source, MinariSet):
        return read_file(minari_path(source.name), "minari")
    if source.path:
        return read_file(allowed_path(source.path, DATA_ROOTS_VARIABLE), source.format)
    if "file" not in context.inputs:
        raise UserError("The import names no file: upload one, or give the path of one.")
    return read_file(_only_file(context.inputs["file"]), source.format)


def _only_file(folder: Path) -> Path:
    files = [path for path in sorted(folder.iterdir()) if path.suffix != ".json"]
    if len(files) != 1:
        raise UserError(f"One uploaded file is expected, and there are {len(files)}.")
    return files[0]


def _bounds(spec: TransitionsSpec, raw: Raw, environment: str) -> tuple[list[float], list[float]]:
    """Return the bounds of each action dimension: typed, of the environment, or [-1, 1]."""
    actions = raw.arrays.get("actions")
    size = actions.shape[1] if actions is not None and actions.ndim == 2 else 1
    low, high = np.full(size, -1.0), np.full(size, 1.0)
    if environment and known_environment(environment):
        found = action_bounds(environment)
        if len(found[0]) == size:
            low, high = (bound.astype(float) for bound in found)
    if spec.action_low is not None:
        low = np.full(size, spec.action_low)
    if spec.action_high is not None:
        high = np.full(size, spec.action_high)
    return low.tolist(), high.tolist()


def _fits(environment: str, observations: int, actions: int) -> None:
    expected = observation_size(environment), len(action_bounds(environment)[0])
    if (observations, actions) != expected:
        raise UserError(
            f"The data have {observations} observation and {actions} action dimensions, and "
            f"{environment} has {expected[0]} and {expected[1]}: they are of another environment "
            "or version. Leave the environment empty to use the data without evaluations."
        )
