"""`run_job`: one file per kind of job, imported only when a job of that kind runs."""

import importlib

from algorithms.base import JobContext, Schema, Summary
from algorithms.specs import KINDS

COMPUTED = (
    "dataset",
    "policy",
    "generate",
    "score",
    "grade",
    "curate",
    "verify",
    "mix",
    "train",
    "online",
    "evaluate",
    "weigh",
    "transitions",
    "train_behaviour",
    "control_policy",
    "collect",
    "leave_out",
    "train_control",
    "keep_checkpoint",
    "train_score",
    "train_inverse_dynamics",
    "evaluate_control",
    "render_episodes",
)
"""Kinds with a file here; an upload is made by a person."""


def run_job(kind: str, spec: Schema, context: JobContext) -> Summary:
    """Run one job and return its summary; its artifact is what it left in `context.output`.

    Raises:
        UserError: what was asked for cannot be done; the message says what to change.
        NonFiniteLossError: a training broke down numerically.
        Stopped: the reporter asked for it.
    """
    if kind not in COMPUTED or not isinstance(spec, KINDS[kind].spec):
        raise TypeError(f"{type(spec).__name__} is not the spec of a job of kind {kind!r}")
    module = importlib.import_module(f"algorithms.jobs.{kind}")
    summary: Summary = module.run(spec, context)
    return summary
