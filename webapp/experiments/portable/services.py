"""Files become experiments: sources that are missing are made, those that exist are found."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from algorithms.base import UserError
from algorithms.specs import DatasetSpec, PolicySpec
from webapp.accounts.models import User
from webapp.catalogue.models import Preset
from webapp.curation.selectors import trainable_jobs
from webapp.datasets.models import Dataset
from webapp.datasets.services import dataset_from_source
from webapp.datasets.transitions.services import dataset_from_node
from webapp.experiments.configs import AnyConfig
from webapp.experiments.models import Experiment
from webapp.experiments.portable.document import DatasetEntry, Document, PolicyEntry
from webapp.experiments.portable.nodes import SourceNodes, only
from webapp.experiments.portable.reading import Problem, Reading, config_with, read
from webapp.experiments.portable.references import Ids, Path
from webapp.experiments.services import experiment_launch
from webapp.jobs.graph import Kept, Node, maker
from webapp.policies.models import Policy
from webapp.policies.services import policy_from_node, policy_from_source


class ImportRefused(UserError):  # noqa: N818 - what the person is told, line by line
    """A file cannot be imported; nothing was made."""

    def __init__(self, problems: Sequence[Problem], not_understood: Sequence[str] = ()) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = tuple(problems)
        self.not_understood = tuple(not_understood)


@dataclass(frozen=True)
class Imported:
    """A file whose sources exist."""

    document: Document
    config: AnyConfig
    made: tuple[str, ...]
    """Sources that were made for it, in words."""
    not_understood: tuple[str, ...]
    """What a file of another tool says that has no meaning here."""


def checked(text: str) -> Reading:
    """Return what a text says.

    Raises:
        ImportRefused: something is wrong with it; every problem names line and field.
    """
    reading = read(text)
    if reading.problems:
        raise ImportRefused(reading.problems, reading.not_understood)
    return reading


@transaction.atomic
def sources_import(*, owner: User, text: str) -> Imported:
    """Return the config of a file, its sources found by what makes them, or made if missing.

    Doing it again makes nothing.

    Raises:
        ImportRefused: the file is wrong, or names an upload or completions that are not here.
    """
    reading = checked(text)
    assert reading.document is not None  # no problems
    maker = _Maker(owner, reading.document, reading.nodes)
    ids = maker.ids()
    if maker.problems:
        placed = [reading.problem(path, message) for path, message in maker.problems]
        raise ImportRefused(placed, reading.not_understood)
    return Imported(
        document=reading.document,
        config=config_with(reading.document, ids),
        made=tuple(maker.made),
        not_understood=reading.not_understood,
    )


@transaction.atomic
def experiment_import(
    *, owner: User, text: str, name: str = "", launch_key: UUID | None = None
) -> tuple[Experiment, Imported]:
    """Launch the experiment of a file; return it with what was made and not understood.

    Args:
        name: instead of the file's.

    Raises:
        ImportRefused: the file is wrong.
        ValidationError: it has no name, or tags that do not do.
    """
    found = sources_import(owner=owner, text=text)
    experiment = experiment_launch(
        owner=owner,
        name=name or found.document.name,
        question=found.document.question,
        tags=found.document.tags,
        config=found.config,
        launch_key=launch_key,
    )
    return experiment, found


class _Maker:
    """Finds or makes the sources of one document."""

    def __init__(self, owner: User, document: Document, nodes: SourceNodes) -> None:
        self.made: list[str] = []
        self.problems: list[tuple[Path, str]] = []
        """Paths in the document and what is wrong there."""
        self._owner = owner
        self._document = document
        self._nodes = nodes

    def ids(self) -> Ids:
        """Return the ids of all sources that are there now."""
        datasets = {
            name: pk
            for name, node in self._nodes.datasets.items()
            if (pk := self._dataset(name, node)) is not None
        }
        policies = {
            name: pk
            for name, node in self._nodes.policies.items()
            if (pk := self._policy(name, node, datasets)) is not None
        }
        rollouts = {
            name: pk
            for name, node in self._nodes.rollouts.items()
            if (pk := self._rollouts(name, node)) is not None
        }
        presets = dict(Preset.objects.values_list("name", "pk"))
        return Ids(datasets, policies, rollouts, presets)

    def _dataset(self, name: str, node: Node) -> int | None:
        rows = list(Dataset.objects.filter(job__fingerprint=node.fingerprint).order_by("pk"))
        if rows:
            return next((row.pk for row in rows if name in (row.name, str(row))), rows[0].pk)
        entry = self._document.datasets[name]
        if entry.upload is not None:
            message = "These uploaded rows are not here: upload the file first, then import again."
            self._refuse("datasets", name, "upload", why=message)
            return None
        try:
            made = self._make_dataset(self._free_dataset(name), entry, node)
        except UserError as error:
            self._refuse("datasets", name, why=str(error))
            return None
        self.made.append(f"dataset “{made}”")
        return made.pk

    def _make_dataset(self, name: str, entry: DatasetEntry, node: Node) -> Dataset:
        if entry.source is None:
            return dataset_from_node(
                owner=self._owner, name=name, node=node, description=entry.description
            )
        return dataset_from_source(
            owner=self._owner,
            name=name,
            spec=DatasetSpec(source=entry.source),
            description=entry.description,
        )

    def _free_dataset(self, name: str) -> str:
        """Return a name under which this person may make a dataset."""
        others = Dataset.objects.filter(name=name).exclude(owner=self._owner)
        return f"{name[:90]} ({self._owner.get_username()})"[:120] if others.exists() else name

    def _policy(self, name: str, node: Node | Kept, datasets: dict[str, int]) -> int | None:
        step = node.step if isinstance(node, Kept) else None
        same = Policy.objects.filter(job__fingerprint=maker(node).fingerprint, checkpoint=step)
        rows = list(same.order_by("pk"))
        if rows:
            return next((row.pk for row in rows if row.name == name), rows[0].pk)
        try:
            made = self._make_policy(name, self._document.policies[name], node, datasets)
        except UserError as error:
            self._refuse("policies", name, why=str(error))
            return None
        self.made.append(f"policy “{made}”")
        return made.pk

    def _make_policy(
        self, name: str, entry: PolicyEntry, node: Node | Kept, datasets: dict[str, int]
    ) -> Policy:
        free = _free_policy(name)
        if entry.source is None or isinstance(node, Kept):
            about = entry.description
            return policy_from_node(owner=self._owner, name=free, node=node, description=about)
        start, dataset = entry.warm_start, None
        if start is not None:
            needed = only(start.dataset, self._document.datasets)
            if needed not in datasets:
                raise UserError(f"Its warm start needs the dataset {needed}, which is not here.")
            dataset = Dataset.objects.get(pk=datasets[needed])
        return policy_from_source(
            owner=self._owner,
            name=free,
            spec=PolicySpec(source=entry.source),
            warm_start=start.spec if start else None,
            dataset=dataset,
            description=entry.description,
            label=node.label,
        )

    def _rollouts(self, name: str, node: Node) -> int | None:
        found = trainable_jobs().filter(fingerprint=node.fingerprint).first()
        if found is not None:
            return found.pk
        message = (
            "These completions are not here. Run the experiment that made them first, or leave "
            "rollouts out to generate new ones."
        )
        self._refuse("rollouts", name, why=message)
        return None

    def _refuse(self, *path: str, why: str) -> None:
        self.problems.append((path, why))


def _free_policy(name: str) -> str:
    free, number = name, 2
    while Policy.objects.filter(name=free).exists():
        free, number = f"{name[:112]} {number}", number + 1
    return free
