"""The methods paragraph of an experiment of control: what exactly was run, from frozen specs."""

from collections.abc import Mapping
from typing import Any

from algorithms.base import Schema
from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_specs import ControlEvaluation, DynamicsTraining, Part, ScoreTraining
from algorithms.settings import ControlSettings
from webapp.experiments.control.config import ControlConfig
from webapp.studies.flattening import flat, text_of
from webapp.studies.planning import PlannedExperiment


def control_experiment(key: str, planned: PlannedExperiment, config: ControlConfig) -> str:
    """Return a paragraph that names every setting that is no default."""
    sentences = [f"Experiment {key} (control).", *_sources(planned)]
    if config.algorithms:
        trained = "; ".join(
            f"{one.label} ({one.algorithm} {CONTROL_ALGORITHMS[one.algorithm].version}"
            f"{_colon(_changed(CONTROL_ALGORITHMS[one.algorithm].params(), one.params))})"
            for one in config.algorithms
        )
        own = config.settings
        sentences.append(
            f"Trained: {trained}; {own.steps:,} updates of {own.batch_size} transitions"
            f"{_also(ControlSettings(), own, 'steps', 'batch_size', 'parallel_seeds')}, "
            f"seeds {', '.join(map(str, config.seeds))}."
        )
    if config.corrects:
        sentences += _networks(config)
    if config.axes:
        axes = "; ".join(f"{k} in {', '.join(map(text_of, v))}" for k, v in planned.grid.items())
        sentences.append(f"Varied: {axes}.")
    return " ".join([*sentences, _evaluation(config.evaluate)])


def _sources(planned: PlannedExperiment) -> list[str]:
    found = []
    for name, node in planned.sources.datasets.items():
        found.append(f"Data set “{name}” ({node.kind}): {_about(node.spec)}.")
    for name, entry in planned.document.policies.items():
        policy = planned.sources.policies[name]
        spec = getattr(policy, "spec", None)
        told = entry.job or "given" if spec is None else _about(spec)
        found.append(f"Policy “{name}”: {told}.")
    return found


def _about(spec: Schema) -> str:
    """Return the settings of a job that are no default."""
    own = spec.model_dump(mode="json")
    plain = {
        name: field.get_default(call_default_factory=True)
        for name, field in type(spec).model_fields.items()
        if not field.is_required()
    }
    plain = {k: v.model_dump(mode="json") if isinstance(v, Schema) else v for k, v in plain.items()}
    parts = own.pop("parts", None)
    told = () if parts is None else ("amount", "unit")
    shown = {k: v for k, v in own.items() if k not in told and (k not in plain or plain[k] != v)}
    text = flat(shown)
    if parts is None:
        return text or "defaults"
    played = "; ".join(map(_played, parts))
    return ", ".join(filter(None, (text, f"{own['amount']:,} {own['unit']} of {played}")))


def _played(part: Mapping[str, Any]) -> str:
    """Return one behaviour policy of a composition: "detour with noise 0.15"."""
    plain = Part(behaviour=part["behaviour"])
    how = _changed(plain, part)
    return f"{part['behaviour']} with {how}" if how else str(part["behaviour"])


def _networks(config: ControlConfig) -> list[str]:
    score, inverse = config.score, config.inverse_dynamics
    settings = "; ".join(
        f"{one.name} ({CORRECTIONS[one.correction].title}"
        f"{_colon(_changed(CORRECTIONS[one.correction].params(), one.params))})"
        for one in config.corrections
        if one.correction
    )
    plain = ScoreTraining(), DynamicsTraining()
    trained = (
        f"One score network ({score.settings.steps:,} updates"
        f"{_also(plain[0].params, score.params)}) and one inverse dynamics model "
        f"({inverse.settings.steps:,} updates{_also(plain[1].params, inverse.params)}) per data "
        f"set, seed {config.network_seed}, for every policy."
    )
    return [trained, f"Corrections: {settings}."]


def _evaluation(spec: ControlEvaluation) -> str:
    return (
        f"Evaluation: {spec.episodes:,} episodes on {spec.purpose} reset seeds "
        f"(block {spec.seed}), the same for every policy; VaR and CVaR of the worst "
        f"{100 * spec.tail:g}%."
    )


def _changed(plain: Schema, own: Mapping[str, Any] | Schema) -> str:
    values = own.model_dump(mode="json") if isinstance(own, Schema) else dict(own)
    defaults = plain.model_dump(mode="json")
    return flat({k: v for k, v in values.items() if defaults.get(k) != v})


def _also(plain: Schema, own: Schema, *told: str) -> str:
    values = {k: v for k, v in own.model_dump(mode="json").items() if k not in told}
    text = _changed(plain, values)
    return f", {text}" if text else ""


def _colon(text: str) -> str:
    return f": {text}" if text else ""
