"""What the page of one dataset shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

from algorithms.base import CorruptArtifactError
from webapp.datasets import content, selectors
from webapp.datasets.models import Dataset
from webapp.jobs.failures import POLICIES
from webapp.jobs.models import Artifact
from webapp.jobs.states import FailureClass
from webapp.jobs.store import ArtifactDamaged

ROWS_PER_PAGE = 25


@dataclass(frozen=True)
class DetailPage:
    """One dataset with a page of its rows."""

    artifact: Artifact | None
    rows: Page[dict[str, str]] | None
    """None where there are no rows (yet)."""
    statistics: content.Statistics | None
    damage: str
    """What is wrong with the stored files; empty when nothing is."""
    split: str
    text: str
    versions: Sequence[Dataset]
    uses: Sequence[selectors.Use]
    advice: str
    """What to do about the failure of its job."""

    @property
    def bad_rows(self) -> int:
        """Rows that were reported instead of imported."""
        return int(self.artifact.summary.get("bad_rows", 0)) if self.artifact else 0


def detail_page(dataset: Dataset, query: Mapping[str, str]) -> DetailPage:
    """Return what the page shows; the query may hold `page`, `split` and `q`."""
    artifact: Artifact | None = getattr(dataset.job, "artifact", None)
    split, text = query.get("split", ""), query.get("q", "").strip()
    rows, statistics, damage = _rows(artifact, split, text, query.get("page", "1"))
    failure = dataset.job.failure_class
    return DetailPage(
        artifact=artifact,
        rows=rows,
        statistics=statistics,
        damage=damage,
        split=split,
        text=text,
        versions=list(selectors.versions(dataset)),
        uses=selectors.uses(dataset),
        advice=POLICIES[FailureClass(failure)].advice if failure else "",
    )


def _rows(
    artifact: Artifact | None, split: str, text: str, number: str
) -> tuple[Page[Any] | None, content.Statistics | None, str]:
    if artifact is None:
        return None, None, ""
    try:
        found = content.RowSequence(artifact, split=split, text=text)
        page = Paginator(found, ROWS_PER_PAGE).get_page(number)
        page.object_list = list(page.object_list)
        return page, content.statistics(artifact), ""
    except (CorruptArtifactError, ArtifactDamaged) as error:
        return None, None, str(error)
