"""What the page of one policy shows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db.models import Q

from webapp.jobs.failures import POLICIES
from webapp.jobs.models import Artifact, Job, JobInput
from webapp.jobs.states import FailureClass
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.policies.models import Policy

_CONFIG = {
    "model_type": "Model type",
    "hidden_size": "Width",
    "num_hidden_layers": "Layers",
    "num_attention_heads": "Attention heads",
    "intermediate_size": "Feed-forward width",
    "vocab_size": "Vocabulary",
    "max_position_embeddings": "Longest sequence (tokens)",
    "dtype": "Stored precision",
}
"""What is shown of a model's config.json, if it is there."""

_TOKENIZER = {
    "tokenizer_class": "Class",
    "model_max_length": "Longest sequence (tokens)",
    "eos_token": "End of sequence",
    "pad_token": "Padding",
}


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of the policy."""

    job: Job
    dataset: Job
    """The job whose artifact held the problems."""
    summary: Mapping[str, float | int | str]


@dataclass(frozen=True)
class Use:
    """An experiment that starts from the policy."""

    pk: int
    name: str


@dataclass(frozen=True)
class DetailPage:
    """One policy with what its files say and what was measured of it."""

    artifact: Artifact | None
    source: Sequence[tuple[str, object]]
    """What the job that made it was told."""
    model: Sequence[tuple[str, object]]
    tokenizer: Sequence[tuple[str, object]]
    chat_template: bool
    damage: str
    inputs: Sequence[JobInput]
    uses: Sequence[Use]
    evaluations: Sequence[Evaluation]
    advice: str


def detail_page(policy: Policy) -> DetailPage:
    """Return what the page shows."""
    artifact: Artifact | None = getattr(policy.job, "artifact", None)
    model, tokenizer, chat, damage = _files(artifact, policy.part)
    failure = policy.job.failure_class
    return DetailPage(
        artifact=artifact,
        source=_source(policy.job),
        model=model,
        tokenizer=tokenizer,
        chat_template=chat,
        damage=damage,
        inputs=list(policy.job.inputs.select_related("source").order_by("role")),
        uses=uses(policy),
        evaluations=evaluations(policy),
        advice=POLICIES[FailureClass(failure)].advice if failure else "",
    )


def uses(policy: Policy) -> list[Use]:
    """Return the experiments that start from it; one query."""
    named = (
        Q(experiment__config__policy_id=policy.pk)
        | Q(experiment__config__reference_policy_id=policy.pk)
        | Q(experiment__config__axes__policy_id__contains=[policy.pk])
        | Q(experiment__config__policies__contains=[{"policy_id": policy.pk}])
    )
    found = policy.job.needed_by.filter(named).values_list("experiment_id", "experiment__name")
    return [Use(pk, name) for pk, name in found.distinct().order_by("experiment_id")]


def evaluations(policy: Policy) -> list[Evaluation]:
    """Return its finished evaluations, the newest first; two queries."""
    jobs = Job.objects.filter(
        kind="evaluate",
        artifact__isnull=False,
        inputs__role="policy",
        inputs__source=policy.job_id,
        inputs__checkpoint=policy.checkpoint,
    ).select_related("artifact")
    newest = list(jobs.order_by("-finished_at")[:20])
    problems = JobInput.objects.filter(job__in=newest, role="dataset").select_related("source")
    datasets = {edge.job_id: edge.source for edge in problems}
    return [Evaluation(job, datasets[job.pk], job.artifact.summary) for job in newest]


def _source(job: Job) -> list[tuple[str, object]]:
    """Return the choices a person made, in words."""
    if job.kind != "policy":
        settings = job.spec.get("settings", {})
        return [
            ("Trained by", job.spec.get("algorithm", "")),
            ("Seed", job.spec.get("seed", 0)),
            ("Steps", settings.get("steps", "")),
            ("Learning rate", settings.get("learning_rate", "")),
        ]
    source = dict(job.spec["source"])
    kind = source.pop("source")
    words = {
        "tiny": "random Llama",
        "package": "model of a package",
        "path": "folder on the worker",
        "gguf": "GGUF file on the worker",
        "hub": "Hugging Face hub",
    }
    named = [(name.replace("_", " ").capitalize(), value) for name, value in source.items()]
    return [("Kind", words[kind]), *named]


_Facts = list[tuple[str, object]]


def _files(artifact: Artifact | None, part: str) -> tuple[_Facts, _Facts, bool, str]:
    """Return facts of the model, of the tokenizer, whether it can chat, and what is damaged."""
    if artifact is None:
        return [], [], False, ""
    try:
        folder = default_store().folder(artifact.path) / part
        config = _json(folder / "config.json")
        tokenizer = _json(folder / "tokenizer_config.json")
    except (ArtifactDamaged, OSError, ValueError) as error:
        return [], [], False, f"The stored model cannot be read: {error}."
    chat = "chat_template" in tokenizer or (folder / "chat_template.jinja").is_file()
    return _facts(config, _CONFIG), _facts(tokenizer, _TOKENIZER), chat, ""


def _facts(found: Mapping[str, object], labels: Mapping[str, str]) -> _Facts:
    shown = [(label, found[name]) for name, label in labels.items() if found.get(name) is not None]
    return [
        (label, value["content"] if isinstance(value, dict) and "content" in value else value)
        for label, value in shown
    ]


def _json(path: Path) -> dict[str, object]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} is not a JSON object")  # noqa: TRY004 - content, not type
    return content
