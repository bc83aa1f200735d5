"""What the page of one data set of transitions shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator

from algorithms.base import CorruptArtifactError
from algorithms.control_data.references import reference_of
from algorithms.control_data.statistics import TransitionStatistics
from algorithms.control_data.transitions import Transitions
from algorithms.environments.grounds import GROUNDS
from algorithms.environments.table import ENVIRONMENTS, Reference
from webapp.datasets import selectors
from webapp.datasets.models import Dataset
from webapp.datasets.transitions import content
from webapp.datasets.transitions.provenance import Fact, provenance_of
from webapp.jobs.failures import POLICIES
from webapp.jobs.models import Artifact, Job
from webapp.jobs.states import FailureClass
from webapp.jobs.store import ArtifactDamaged

ROWS_PER_PAGE = 20
NUMBERS_SHOWN = 6
"""Of an observation or action in the table; the rest is counted."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "OffpolicyLab/RiskyPointMass-v0": ("x", "y", "goal x", "goal y"),
    "Pendulum-v1": ("cos angle", "sin angle", "angular velocity"),
    **{
        f"PointMaze_{size}-v3": (
            "x", "y", "goal x", "goal y", "x again", "y again", "velocity x", "velocity y",
        )
        for size in ("UMaze", "Medium", "Large")
    },
}  # fmt: skip
"""What the dimensions of an observation are, where that is known here."""


@dataclass(frozen=True)
class StateChoice:
    """Which states the scatter plot shows, as the address has it."""

    x: int
    y: int
    colour: str
    """return or step."""

    @classmethod
    def of(cls, query: Mapping[str, str], size: int) -> "StateChoice":
        """Return the choice; what cannot be is the first two dimensions, coloured by return."""
        x, y = (query.get(name, "") for name in ("x", "y"))
        first = int(x) if x.isdecimal() and int(x) < size else 0
        other = min(1, size - 1)
        second = int(y) if y.isdecimal() and int(y) < size else other
        return cls(first, second, "step" if query.get("colour") == "step" else "return")

    @property
    def query(self) -> str:
        """The address' part."""
        return f"x={self.x}&y={self.y}&colour={self.colour}"


@dataclass(frozen=True)
class Stored:
    """What is there once the job is done."""

    statistics: TransitionStatistics
    endings: content.Endings
    reference: Reference | None
    provenance: Sequence[Fact]
    rows: Page[Any]
    choice: StateChoice
    dimensions: Sequence[str]
    has_hdf5: bool

    @property
    def constant(self) -> Sequence[str]:
        """What the dimensions that never change are called."""
        return [self.dimensions[place] for place in self.statistics.constant_dimensions]

    @property
    def has_zone(self) -> bool:
        """Whether the environment has a danger zone to draw."""
        ground = GROUNDS.get(self.statistics.environment)
        return ground is not None and ground.danger is not None


@dataclass(frozen=True)
class TransitionsPage:
    """One data set of transitions."""

    artifact: Artifact | None
    stored: Stored | None
    damage: str
    versions: Sequence[Dataset]
    uses: Sequence[selectors.Use]
    learned: Sequence[Job] = field(default_factory=list)
    """Trainings on it: policies, score networks, inverse dynamics models."""
    advice: str = ""

    @property
    def environment(self) -> str:
        """Title and id of the environment; empty where unknown."""
        name = self.stored.statistics.environment if self.stored else ""
        known = ENVIRONMENTS.get(name)
        return f"{known.title} ({name})" if known else name


def transitions_page(dataset: Dataset, query: Mapping[str, str]) -> TransitionsPage:
    """Return what the page shows; the query may hold `page`, `x`, `y` and `colour`."""
    artifact: Artifact | None = getattr(dataset.job, "artifact", None)
    stored, damage = _stored(artifact, query)
    failure = dataset.job.failure_class
    return TransitionsPage(
        artifact=artifact,
        stored=stored,
        damage=damage,
        versions=list(selectors.versions(dataset)),
        uses=selectors.uses(dataset),
        learned=list(learned_on(dataset)),
        advice=POLICIES[FailureClass(failure)].advice if failure else "",
    )


def learned_on(dataset: Dataset) -> list[Job]:
    """Return the newest trainings on a data set: networks and policies; one query."""
    kinds = ("train_score", "train_inverse_dynamics", "train_control")
    found = Job.objects.filter(kind__in=kinds, inputs__source=dataset.job_id)
    return list(found.select_related("artifact").order_by("kind", "-pk")[:50])


def dimensions_of(environment: str, size: int) -> list[str]:
    """Return what the dimensions of an observation are called."""
    known = NAMES.get(environment, ())
    return [known[n] if len(known) == size else f"dimension {n}" for n in range(size)]


def _stored(artifact: Artifact | None, query: Mapping[str, str]) -> tuple[Stored | None, str]:
    if artifact is None:
        return None, ""
    try:
        data, statistics = content.transitions_of(artifact), content.statistics_of(artifact)
        has_hdf5 = content.stored_file(artifact, "hdf5") is not None
    except (CorruptArtifactError, ArtifactDamaged) as error:
        return None, str(error)
    size = statistics.observation_size
    stored = Stored(
        statistics=statistics,
        endings=content.endings_of(data),
        reference=reference_of(data.metadata),
        provenance=provenance_of(data.metadata),
        rows=_rows(data, query.get("page", "1")),
        choice=StateChoice.of(query, size),
        dimensions=dimensions_of(statistics.environment, size),
        has_hdf5=has_hdf5,
    )
    return stored, ""


def _rows(data: Transitions, number: str) -> Page[Any]:
    page: Page[Any] = Paginator(range(len(data)), ROWS_PER_PAGE).get_page(number)
    first = page.start_index() - 1
    page.object_list = content.rows_of(data, first, ROWS_PER_PAGE)
    return page
