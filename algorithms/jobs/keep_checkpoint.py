"""A `keep_checkpoint` job: a policy of the last checkpoint of a training that did not end."""

import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from algorithms.base import CorruptArtifactError, JobContext, Summary
from algorithms.checkpoints import CONTROL_STATE_FILE, CONTROL_WEIGHTS_FILE
from algorithms.control_derived_specs import KeepCheckpointSpec
from algorithms.controllers.files import save_agent
from algorithms.jobs.train_control import HISTORY_FILE, set_up
from algorithms.training.device import configure_process


def run(spec: KeepCheckpointSpec, context: JobContext) -> Summary:
    """Write the policy of every seed as the checkpoint has it; return what was measured of it.

    Raises:
        UserError: algorithm, settings and data do not fit together.
        CorruptArtifactError: the checkpoint is damaged, or of another training.
    """
    configure_process(spec.seed)
    made = set_up(spec, context.inputs["transitions"], torch.device("cpu"))
    folder = context.inputs["checkpoint"]
    try:
        position: dict[str, Any] = json.loads((folder / CONTROL_STATE_FILE).read_text("utf-8"))
        made.agent.load_state_dict(load_file(folder / CONTROL_WEIGHTS_FILE))
        evaluations: list[dict[str, Any]] = position["evaluations"]
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise CorruptArtifactError(
            f"The checkpoint from step {spec.step:,} does not fit this training: {error}. Keep it "
            "again from the page of its training."
        ) from error
    about = {**made.about, "kept_step": spec.step}
    save_agent(context.output, made.agent, made.spaces, scaling=made.scaling, about=about)
    history = {"steps": spec.step, "evaluations": evaluations}
    (context.output / HISTORY_FILE).write_text(json.dumps(history, indent=1), encoding="utf-8")
    figures = evaluations[-1] if evaluations else {}
    return {
        "steps": spec.step,
        "transitions": len(made.learned),
        "environment": str(made.given.environment or ""),
        **{name: value for name, value in figures.items() if name != "step"},
    }
