"""A `train_score` job: the score network of a data set, for every policy trained on it."""

import numpy as np

from algorithms.base import JobContext, Summary
from algorithms.control_data.transitions import load_transitions
from algorithms.control_models.files import save_model
from algorithms.control_models.score import ScoreModel
from algorithms.control_specs import TrainScoreSpec
from algorithms.training.control_models import fit, losses_by_level, split_data
from algorithms.training.device import configure_process, peak_memory_bytes
from algorithms.training.score_truth import compared


def run(spec: TrainScoreSpec, context: JobContext) -> Summary:
    """Train, and write `model.json` and `model.safetensors`; return the losses.

    Raises:
        UserError: the data set has no dimension that varies.
        NonFiniteLossError: the loss stopped being a number.
        Stopped: the reporter asked for it; the checkpoint is written.
    """
    device = configure_process(spec.seed)
    given = load_transitions(context.inputs["transitions"])
    data = split_data(given, spec.settings, spec.seed, device)
    model = ScoreModel(data.spaces, spec.params)
    position = fit(model, data, spec.settings, context)
    by_level = losses_by_level(model, data.judged or data.learned)
    levels = [float(level) for level in model.predictor.levels]
    save_model(
        context.output, "score", model, spaces=data.spaces, scaling=data.scaling,
        about={
            "params": spec.params.model_dump(mode="json"),
            "environment": given.environment,
            "levels": levels,
            "losses": by_level,
            "held_out": data.judged is not None,
        },
    )  # fmt: skip
    name = "dsm_loss_heldout" if data.judged is not None else "dsm_loss"
    truth = compared(model, data.learned, data.judged or data.learned)
    return truth | {
        "steps": position.step,
        "seconds": position.seconds,
        "dimensions": model.size,
        "updates_per_s": position.step / position.seconds if position.seconds else 0.0,
        "peak_memory_bytes": peak_memory_bytes(device),
        name: float(np.mean(by_level)),
    }
