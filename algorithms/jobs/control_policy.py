"""A `control_policy` job: somebody else's policy, or a scripted one, in our layout."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from algorithms.base import JobContext, Summary, UserError
from algorithms.control_data.references import known_reference
from algorithms.control_data.references import record as reference_record
from algorithms.control_specs import ImportPolicySpec
from algorithms.controllers.entry_point import source_sha256
from algorithms.controllers.files import load_controller, write_policy
from algorithms.controllers.imported import read_sb3_zip, save_stage
from algorithms.controllers.normalisation import read_vecnormalize
from algorithms.controllers.onnx import OnnxModule, load_onnx
from algorithms.controllers.torchscript import ScriptModule, load_script
from algorithms.data.roots import MODEL_ROOTS_VARIABLE, allowed_path
from algorithms.environments.registry import action_bounds, observation_size
from algorithms.training.control_episodes import tuning_returns

TRIED_EPISODES = 2
NORMALISATION_SUFFIX = ".pkl"


def run(spec: ImportPolicySpec, context: JobContext) -> Summary:
    """Write `policy.json` and, where there are any, weights; return what the policy is like.

    Raises:
        UserError: the file is no policy, carries code, or does not fit the environment.
    """
    low, high = action_bounds(spec.environment)
    record: dict[str, Any] = {
        "environment": spec.environment,
        "reference": reference_record(known_reference(spec.environment)),
        "low": low.tolist(),
        "high": high.tolist(),
        "observation_size": observation_size(spec.environment),
        "action_size": len(low),
    }
    record |= _taken(spec, context, record)
    write_policy(context.output, record)
    controller = load_controller(context.output)
    returns = tuning_returns(controller, spec.environment, TRIED_EPISODES)
    return {
        "environment": spec.environment,
        "kind": record["kind"],
        "observation_size": record["observation_size"],
        "action_size": record["action_size"],
        "tried_return_mean": float(returns.mean()),
    }


def _taken(
    spec: ImportPolicySpec, context: JobContext, expected: Mapping[str, Any]
) -> dict[str, Any]:
    """Write a policy's own files; return what `policy.json` says of how it acts."""
    match spec.source:
        case "scripted":
            return {"kind": "scripted", "controller": spec.controller}
        case "sb3":
            return _sb3(_file(spec, context), _normalisation(spec, context), expected, context)
        case "torchscript":
            path = _file(spec, context)
            load_script(path)
            shutil.copyfile(path, context.output / ScriptModule.FILE)
            return {"kind": "torchscript"}
        case "onnx":
            path = _file(spec, context)
            load_onnx(path)
            shutil.copyfile(path, context.output / OnnxModule.FILE)
            return {"kind": "onnx"}
        case "entry_point":
            sha256 = source_sha256(spec.entry_point)
            kind = {"kind": "entry_point", "entry_point": spec.entry_point}
            return kind | {"source_sha256": sha256}


def _sb3(
    path: Path, moments: Path | None, expected: Mapping[str, Any], context: JobContext
) -> dict[str, Any]:
    """Write an SB3 actor's weights; return what it is like."""
    weights, about = read_sb3_zip(path)
    for name in ("observation_size", "action_size"):
        if about[name] != expected[name]:
            raise UserError(
                f"The policy in {path.name} has the {name.replace('_', ' ')} {about[name]}, and "
                f"{expected['environment']} has {expected[name]}: it is of another environment or "
                "version."
            )
    save_stage(context.output, about["stages"][-1], weights)
    if moments is None:
        return about
    found = read_vecnormalize(moments, about["observation_size"])
    return about | {"normalisation": found.record() if found else None}


def _file(spec: ImportPolicySpec, context: JobContext) -> Path:
    if spec.path:
        return allowed_path(spec.path, MODEL_ROOTS_VARIABLE)
    files = [path for path in _uploaded(context) if path.suffix != NORMALISATION_SUFFIX]
    if not files:
        raise UserError("The import names no file: upload one, or give the path of one.")
    if len(files) != 1:
        raise UserError(f"One uploaded file is expected, and there are {len(files)}.")
    return files[0]


def _normalisation(spec: ImportPolicySpec, context: JobContext) -> Path | None:
    if spec.normalisation:
        return allowed_path(spec.normalisation, MODEL_ROOTS_VARIABLE)
    found = [path for path in _uploaded(context) if path.suffix == NORMALISATION_SUFFIX]
    return found[0] if found else None


def _uploaded(context: JobContext) -> list[Path]:
    folder = context.inputs.get("file")
    return [] if folder is None else [p for p in sorted(folder.iterdir()) if p.suffix != ".json"]
