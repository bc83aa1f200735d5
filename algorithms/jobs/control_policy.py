"""A `control_policy` job: somebody else's policy, or a scripted one, in our layout."""

import shutil
from pathlib import Path
from typing import Any

from algorithms.base import JobContext, Summary, UserError
from algorithms.control_data.references import known_reference
from algorithms.control_data.references import record as reference_record
from algorithms.control_specs import ImportPolicySpec
from algorithms.controllers.files import load_controller, write_policy
from algorithms.controllers.imported import read_sb3_zip, save_stage
from algorithms.controllers.torchscript import ScriptModule, load_script
from algorithms.data.roots import MODEL_ROOTS_VARIABLE, allowed_path
from algorithms.environments.registry import action_bounds, observation_size
from algorithms.training.control_episodes import tuning_returns

TRIED_EPISODES = 2


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
    match spec.source:
        case "scripted":
            record |= {"kind": "scripted", "controller": spec.controller}
        case "sb3":
            _take_sb3(_file(spec, context), record, context.output)
        case "torchscript":
            path = _file(spec, context)
            load_script(path)
            shutil.copyfile(path, context.output / ScriptModule.FILE)
            record |= {"kind": "torchscript"}
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


def _take_sb3(path: Path, record: dict[str, Any], output: Path) -> None:
    """Write an SB3 actor's weights and complete the record."""
    weights, about = read_sb3_zip(path)
    for name in ("observation_size", "action_size"):
        if about[name] != record[name]:
            raise UserError(
                f"The policy in {path.name} has the {name.replace('_', ' ')} {about[name]}, and "
                f"{record['environment']} has {record[name]}: it is of another environment or "
                "version."
            )
    record |= about
    save_stage(output, record["stages"][-1], weights)


def _file(spec: ImportPolicySpec, context: JobContext) -> Path:
    if spec.path:
        return allowed_path(spec.path, MODEL_ROOTS_VARIABLE)
    if "file" not in context.inputs:
        raise UserError("The import names no file: upload one, or give the path of one.")
    files = [path for path in sorted(context.inputs["file"].iterdir()) if path.suffix != ".json"]
    if len(files) != 1:
        raise UserError(f"One uploaded file is expected, and there are {len(files)}.")
    return files[0]
