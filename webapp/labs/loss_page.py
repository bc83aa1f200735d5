"""The Loss lab's page: the typed table and choices, and what every algorithm makes of them."""

from dataclasses import dataclass, field
from typing import Any, get_args

from django.http import QueryDict
from pydantic import ValidationError

from algorithms.base import UserError
from algorithms.labs.batch import MAX_COMPLETIONS, LabBatch
from algorithms.labs.loss_lab import Judged, Judgement, Scale, Token
from algorithms.labs.presets import LOSS_EXAMPLES, LossExample
from algorithms.shared.baseline import baseline_for_share, effective_positive_share
from webapp.dial_form import DialForm
from webapp.labs.cells import Cell, Problems, TypedTable, number, number_texts, numbers, sentence
from webapp.labs.choices import ChoiceRow, choice_rows, put_choices
from webapp.labs.services import Look, batch_look

COLUMNS = {
    "prompt": "prompt",
    "reward": "reward",
    "pi": "logprobs",
    "mu": "behaviour_logprobs",
    "ref": "reference_logprobs",
}
"""Name of each column's inputs, and the field that it fills."""
FIRST = "three-sequences"
"""The example that the page opens with."""
TABLE = "errors-table"
"""Id of the place for what is wrong with no cell of its own."""


@dataclass(frozen=True)
class TokenLine:
    """One token in the table of results, with what each algorithm makes of it."""

    completion: int
    token: int
    tokens: int
    """Of its completion."""
    reward: float
    ratio: float
    """pi/mu of this token."""
    sequence_ratio: float
    columns: list[tuple[Judged, Token] | None]
    """Per algorithm; None where it refuses the batch."""


@dataclass
class LossPage(TypedTable):
    """Everything typed on the page, and what follows from it."""

    columns = tuple(COLUMNS)
    most_rows = MAX_COMPLETIONS
    data: QueryDict
    choices: list[ChoiceRow]
    dial: DialForm
    problems: Problems = field(default_factory=Problems)
    batch: LabBatch | None = None
    looks: list[Look] = field(default_factory=list)

    @property
    def scale(self) -> Scale:
        """What coefficients are measured in."""
        asked = self.data.get("scale", "")
        known: tuple[Scale, ...] = get_args(Scale)
        return next((scale for scale in known if scale == asked), known[0])

    @property
    def lines(self) -> list[list[TokenLine]]:
        """The tokens of each completion, with a column per algorithm."""
        judged = [look.judgement for look in self.looks if look.judgement]
        if self.batch is None or not judged:
            return []
        return [
            [self._line(place, token, judged[0]) for token in range(len(one.logprobs))]
            for place, one in enumerate(self.batch.completions)
        ]

    def _line(self, place: int, token: int, any_of_them: Judgement) -> TokenLine:
        one = any_of_them.completions[place]
        columns: list[tuple[Judged, Token] | None] = []
        for look in self.looks:
            judged = look.judgement.completions[place] if look.judgement else None
            columns.append((judged, judged.tokens[token]) if judged else None)
        reward = self.batch.completions[place].reward if self.batch else 0.0
        ratio = one.tokens[token].ratio
        return TokenLine(place + 1, token + 1, len(one.tokens), reward, ratio, one.ratio, columns)

    @property
    def dial_values(self) -> dict[str, str]:
        """What the end of the dial that does not lead should show."""
        if self.batch is None or not self.dial.is_valid():
            return {}
        share, typed = self.batch.positive_share, self.dial.cleaned_data
        try:
            if typed["lead"] == "effective_share" and typed["effective_share"] is not None:
                return {"baseline": f"{baseline_for_share(share, typed['effective_share']):.6g}"}
            found = effective_positive_share(share, typed["baseline"] or 0.0)
        except ValueError as error:
            return {"note": f"{str(error)[:1].upper()}{str(error)[1:]}."}
        return {"effective_share": f"{found:.6g}"}


def open_loss_page(asked: QueryDict) -> LossPage:
    """Return the page of an address: what is typed there, or an example."""
    data = asked if "pi" in asked else example_data(LOSS_EXAMPLES.get(asked.get("example", "")))
    dial = DialForm(data, prefix="dial") if "dial-lead" in data else DialForm(prefix="dial")
    page = LossPage(data, choice_rows(data), dial)
    page.batch = _batch(page)
    chosen = [row.chosen for row in page.choices]
    if page.batch is not None and all(chosen):
        try:
            page.looks = batch_look(
                batch=page.batch, chosen=[one for one in chosen if one], scale=page.scale
            )
        except UserError as error:
            page.problems.add(TABLE, str(error))
    return page


def example_data(example: LossExample | None) -> QueryDict:
    """Return the address of an example; of the first one where there is none."""
    found = example or LOSS_EXAMPLES[FIRST]
    data = QueryDict(mutable=True)
    for one in found.batch.completions:
        data.appendlist("prompt", str(one.prompt))
        data.appendlist("reward", f"{one.reward:g}")
        data.appendlist("pi", number_texts(one.logprobs))
        data.appendlist("mu", number_texts(one.behaviour_logprobs))
        data.appendlist("ref", number_texts(one.reference_logprobs))
    data["scale"] = found.scale
    put_choices(data, found.choices)
    return data


def _batch(page: LossPage) -> LabBatch | None:
    """Return the typed batch; None where something is wrong, told at its cell."""
    completions = [
        {COLUMNS[cell.name]: _value(page, cell) for cell in cells} for cells in page.rows
    ]
    if page.problems:
        return None
    try:
        return LabBatch.model_validate({"completions": completions})
    except ValidationError as failure:
        names = {field: name for name, field in COLUMNS.items()}
        for error in failure.errors():
            loc = error["loc"]
            target = f"{names[str(loc[2])]}-{loc[1]}" if len(loc) > 2 else TABLE
            page.problems.add(target, _told(error, target))
    return None


def _told(error: Any, target: str) -> str:
    if target == TABLE and error["type"] == "too_long":
        return f"{MAX_COMPLETIONS} completions at most."
    return sentence(error)


def _value(page: LossPage, cell: Cell) -> Any:
    try:
        if cell.name in {"prompt", "reward"}:
            return number(cell.text)
        return numbers(cell.text)
    except ValueError as error:
        page.problems.add(cell.id, str(error))
        return None
