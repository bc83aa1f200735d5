"""What the curation page shows: the typed draft, and the composition before and after it."""

from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.http import QueryDict

from algorithms.base import UserError
from algorithms.curation.pipeline import StepError
from algorithms.curation.steps import CurateSpec
from algorithms.curation.summary import Composition
from algorithms.shared.baseline import baseline_for_share
from webapp.components.errors import add_errors
from webapp.components.formats import count, percent, significant
from webapp.curation import content, services
from webapp.curation.drafts import StepsDraft
from webapp.curation.forms import LookForm, NameForm
from webapp.jobs.models import Job

PREFIX = "steps"
"""Of the steps on the curation page."""
TYPED = "dial-seed"
"""Its presence says that the address carries what was typed."""


@dataclass(frozen=True)
class Line:
    """One figure of a set before and after."""

    label: str
    before: str
    after: str
    help: str = ""


@dataclass
class Page:
    """Everything typed on the page, and what follows from it."""

    source: Job
    steps: StepsDraft
    dial: LookForm
    name: NameForm
    problem: str = ""
    """Why the set cannot be read."""
    preview: content.Preview | None = None
    before: Composition | None = None
    dial_values: dict[str, str] = field(default_factory=dict)
    """What the dial's following end should show, by field."""

    @property
    def spec(self) -> CurateSpec | None:
        """What was asked for; None where something is wrong, told at its place."""
        steps = self.steps.spec(self.seed)
        return steps if self.dial.is_valid() or not self.dial.is_bound else None

    @property
    def seed(self) -> int:
        """The typed seed; 0 while it is none."""
        known = self.dial.is_bound and self.dial.is_valid()
        return int(self.dial.cleaned_data["seed"]) if known else 0

    @property
    def stages(self) -> list[tuple[str, str]]:
        """What each step leaves, by the id of the place that shows it."""
        if self.preview is None:
            return []
        return [
            (f"stage-{row.form.prefix}", f"{count(stage.before)} → {count(stage.after)}")
            for row, stage in zip(self.steps.rows, self.preview.curated.stages, strict=True)
        ]

    @property
    def lines(self) -> list[Line]:
        """The figures of the table."""
        if self.before is None:
            return []
        before = _figures(self.before, self)
        after = _figures(self.preview.after, self) if self.preview else dict.fromkeys(before, "–")
        return [Line(name, text, after[name], HELP.get(name, "")) for name, text in before.items()]

    @property
    def baseline(self) -> float:
        """The baseline c that the dial stands at, by whichever end leads."""
        if not (self.dial.is_bound and self.dial.is_valid()):
            return 0.0
        data = self.dial.cleaned_data
        share, shown = data["effective_share"], self.shown
        if data["lead"] == "effective_share" and share is not None and shown is not None:
            try:
                return baseline_for_share(shown.positive_share, share)
            except ValueError:
                return data["baseline"] or 0.0
        return data["baseline"] or 0.0

    @property
    def shown(self) -> Composition | None:
        """The composition that the dial is about: after the steps, else before."""
        return self.preview.after if self.preview else self.before

    @property
    def batch_size(self) -> int:
        """Completions per optimizer step."""
        known = self.dial.is_bound and self.dial.is_valid()
        return int(self.dial.cleaned_data["batch_size"]) if known else 128


HELP = {
    "Positives (p)": "Share of correct completions.",
    "Effective share (p_eff)": "Weight of positives at the baseline c (TOPR, equation 7).",
    "Zero variance": "Prompts whose completions all earned the same reward: group-relative "
    "advantages are zero there.",
    "Duplicates": "Completions that repeat an earlier one of the same prompt, token by token.",
}


def _figures(found: Composition, page: Page) -> dict[str, str]:
    share = found.effective_share(page.baseline)
    mean, p95 = significant(found.tokens_mean, 3), significant(found.tokens_p95, 3)
    return {
        "Completions": count(found.completions),
        "Correct": count(found.correct),
        "Incorrect": count(found.incorrect),
        "Invalid": count(found.invalid),
        "Positives (p)": percent(found.positive_share),
        "Effective share (p_eff)": "–" if share is None else percent(share),
        "Prompts": count(found.prompts),
        "With a positive": count(found.prompts_with_positive),
        "Without a positive": count(found.solved_never),
        "Always solved": count(found.solved_always),
        "Zero variance": count(found.zero_variance),
        "Tokens: mean, 95%, longest": f"{mean}, {p95}, {count(found.tokens_longest)}",
        "Duplicates": count(found.duplicates),
        f"Steps of {count(page.batch_size)}": count(found.steps(page.batch_size)),
    }


def open_page(source: Job, data: QueryDict) -> Page:
    """Return the page as typed, with its preview or the errors at their steps."""
    fresh = TYPED not in data
    page = Page(
        source,
        StepsDraft(data, PREFIX),
        LookForm(prefix="dial") if fresh else LookForm(data, prefix="dial"),
        NameForm(data) if "name" in data else NameForm(),
    )
    try:
        page.before = content.composition_of(source)
        spec = page.spec
        if spec is not None:
            page.preview = services.curation_preview(source=source, spec=spec)
    except StepError as error:
        page.steps.refuse(error)
    except UserError as error:
        page.problem = str(error)
    page.dial_values = _dial(page)
    return page


def _dial(page: Page) -> dict[str, str]:
    """Return what the end of the dial that does not lead should show."""
    if page.shown is None or page.dial.errors:
        return {}
    lead = page.dial.cleaned_data["lead"] if page.dial.is_bound else "baseline"
    if lead == "effective_share":
        return {"baseline": f"{page.baseline:.6g}"}
    share = page.shown.effective_share(page.baseline)
    return {"effective_share": "" if share is None else f"{share:.6g}"}


def place(page: Page, error: ValidationError) -> None:
    """Put what the service refused at its field."""
    steps = error.message_dict.get("steps", []) if hasattr(error, "error_dict") else []
    page.steps.errors += steps
    if not steps:
        add_errors(page.name, error)
