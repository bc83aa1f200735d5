"""A `train_inverse_dynamics` job: which action leads there, for every policy on the data."""

import torch

from algorithms.base import JobContext, Summary
from algorithms.control_data.transitions import load_transitions
from algorithms.control_models.dynamics import DynamicsModel
from algorithms.control_models.files import save_model
from algorithms.control_specs import TrainDynamicsSpec
from algorithms.training.control_data import ResidentData
from algorithms.training.control_models import fit, split_data, whole_batch
from algorithms.training.device import configure_process, peak_memory_bytes


def run(spec: TrainDynamicsSpec, context: JobContext) -> Summary:
    """Train, and write `model.json` and `model.safetensors`; return held-out errors and R2.

    Raises:
        UserError: the data set has no dimension that varies.
        NonFiniteLossError: the loss stopped being a number.
        Stopped: the reporter asked for it; the checkpoint is written.
    """
    device = configure_process(spec.seed)
    given = load_transitions(context.inputs["transitions"])
    data = split_data(given, spec.settings, spec.seed, device)
    model = DynamicsModel(data.spaces, spec.params)
    position = fit(model, data, spec.settings, context)
    suffix = "_heldout" if data.judged is not None else ""
    figures = {
        f"{name}{suffix}": value
        for name, value in _figures(model, data.judged or data.learned).items()
    }
    save_model(
        context.output, "dynamics", model, spaces=data.spaces, scaling=data.scaling,
        about={
            "params": spec.params.model_dump(mode="json"),
            "environment": given.environment,
            "figures": figures,
        },
    )  # fmt: skip
    return {
        "steps": position.step,
        "seconds": position.seconds,
        "updates_per_s": position.step / position.seconds if position.seconds else 0.0,
        "peak_memory_bytes": peak_memory_bytes(device),
        **figures,
    }


@torch.no_grad()
def _figures(model: DynamicsModel, data: ResidentData) -> dict[str, float]:
    nothing = torch.zeros(1, len(data), 0, device=data.packed.device)
    batch = whole_batch(data, nothing, nothing)
    found = {name: float(value.mean()) for name, value in model.losses(batch).items()}
    spread = batch.actions.var(dim=(0, 1), unbiased=False).mean()
    if float(spread) > 0:
        found["inverse_r2"] = 1 - found["inverse_loss"] / float(spread)
    return found
