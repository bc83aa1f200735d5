"""When the policies that trainings keep can be planned with: their steps must be known; pure."""

from collections.abc import Mapping, Sequence

from algorithms.settings import LLMSettings
from webapp.experiments.axes import AxisValue

_UNKNOWN = {
    "epochs": "Their steps are not known before the data are there: count steps, not epochs.",
    "stop_at_accuracy": "A training may stop before them: leave stop at accuracy empty.",
}


def checkpoint_problem(settings: LLMSettings, axes: Mapping[str, Sequence[AxisValue]]) -> str:
    """Return why the policies kept by trainings cannot be evaluated; empty where they can."""

    def values(name: str) -> Sequence[AxisValue]:
        return axes.get(f"settings.{name}", (getattr(settings, name),))

    if not any(values("keep_every")):
        return "No training keeps a policy on its way: set keep every among the training settings."
    for name, message in _UNKNOWN.items():
        if any(value is not None for value in values(name)):
            return message
    return ""
