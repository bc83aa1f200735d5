"""Studies: what they ask, how far they are, and their verdicts with the runs behind them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status

from webapp.api.auth import caller
from webapp.studies import views
from webapp.studies.library import StudyFile
from webapp.studies.pages import ListRow, StudyPage, study_list, study_page
from webapp.studies.services import study_reproduce
from webapp.studies.views import scale_of, study_or_404

router = Router(tags=["studies"])


class ScaleOut(Schema):
    """One size of a study."""

    name: str
    state: str
    text: str


class StudyRowOut(Schema):
    """One study of the list."""

    name: str
    title: str
    problem: str
    """Why the file cannot be read; empty where it can."""
    scales: list[ScaleOut]


class ClaimOut(Schema):
    """One claim, tested over seeds."""

    id: str
    says: str
    verdict: str
    estimate: str
    about: str
    runs: list[int]


class StudyOut(Schema):
    """One study at one scale."""

    name: str
    scale: str
    question: str
    reports: str
    """What the paper reports."""
    state: str
    done: int
    total: int
    claims: list[ClaimOut]
    differences: list[str]
    methods: str


class ReproduceIn(Schema):
    """Which size is asked for; empty takes the first."""

    scale: str = ""


class ReproducedOut(Schema):
    """What was queued."""

    message: str
    queued: int
    found: int
    experiments: list[int]


@router.get("", response=list[StudyRowOut])
def studies(request: HttpRequest) -> list[StudyRowOut]:
    """Return every study with what its scales have come to."""
    return [_row(row) for row in study_list()]


@router.get("/{name}", response=StudyOut)
def study(request: HttpRequest, name: str, scale: str = "") -> StudyOut:
    """Return one study at one scale: jobs done, claims with verdicts, the methods paragraph."""
    file = study_or_404(name)
    chosen = scale_of(file, scale)
    return _study(file, chosen, study_page(file, chosen))


@router.post("/{name}/reproduce", response={202: ReproducedOut})
def reproduce(request: HttpRequest, name: str, payload: ReproduceIn) -> Status[ReproducedOut]:
    """Queue what is missing of a study at one scale; again, it queues nothing."""
    file = study_or_404(name)
    done = study_reproduce(owner=caller(request), file=file, scale=scale_of(file, payload.scale))
    made = [experiment.pk for experiment in done.experiments]
    return Status(
        202,
        ReproducedOut(
            message=done.sentence, queued=done.queued, found=done.found, experiments=made
        ),
    )


@router.get("/{name}/{scale}/{file}")
def export(request: HttpRequest, name: str, scale: str, file: str) -> HttpResponse:
    """Return claims.csv, runs.csv, curves.csv, bandit.csv, table.tex, claims.md or methods.txt."""
    return views.export(request, name, scale, file)


def _row(row: ListRow) -> StudyRowOut:
    scales = [ScaleOut(name=one.name, state=one.state, text=one.text) for one in row.scales]
    title = row.file.study.title if row.file.study else ""
    return StudyRowOut(name=row.file.name, title=title, problem=row.file.problem, scales=scales)


def _study(file: StudyFile, scale: str, page: StudyPage) -> StudyOut:
    told: dict[str, Any] = {
        "claims": [
            ClaimOut(
                id=line.judged.claim.id,
                says=line.judged.claim.says,
                verdict=line.verdict,
                estimate=line.estimate,
                about=line.about,
                runs=list(line.judged.runs),
            )
            for line in page.claims
        ],
        "differences": list(page.differences),
    }
    study = page.result.study
    return StudyOut(
        name=file.name, scale=scale, question=study.question, reports=study.reports,
        state=page.state, done=page.done, total=page.total, methods=page.methods, **told,
    )  # fmt: skip
