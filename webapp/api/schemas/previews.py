"""Shapes of what a launch would do."""

from dataclasses import asdict

from ninja import Schema

from webapp.experiments.preview import PlanPreview


class KindOut(Schema):
    """Planned jobs of one kind."""

    kind: str
    planned: int
    new: int
    existing: dict[str, int]
    """Those that exist already, by state."""


class WorkOut(Schema):
    """Amounts of work; null where unknown."""

    completions: int | None
    evaluation_completions: int | None
    steps: int | None
    samples: int | None
    tokens_at_most: int | None
    episodes: int = 0
    """Episodes played in environments."""


class PreviewOut(Schema):
    """What launching would run and compute."""

    runs: int
    groups: int
    jobs: int
    existing: int
    done: int
    kinds: list[KindOut]
    total: WorkOut
    remaining: WorkOut
    warnings: list[str]


def preview_out(preview: PlanPreview) -> PreviewOut:
    """Return a preview as the API shows it."""
    return PreviewOut(
        runs=preview.runs,
        groups=preview.groups,
        jobs=preview.jobs,
        existing=preview.existing,
        done=preview.done,
        kinds=[
            KindOut(kind=one.kind, planned=one.planned, new=one.new, existing=dict(one.existing))
            for one in preview.kinds
        ],
        total=WorkOut(**asdict(preview.total)),
        remaining=WorkOut(**asdict(preview.remaining)),
        warnings=list(preview.warnings),
    )
