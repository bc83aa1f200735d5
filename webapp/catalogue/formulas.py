"""What the gallery shows of an algorithm besides its form: formula, paper, coefficients, table."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from latex2mathml import exceptions
from latex2mathml.converter import convert

from algorithms.base import LLMAlgorithm, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.shared.gradient import gradient_coefficient
from webapp.catalogue.known import Algorithm
from webapp.results.figures.coefficient import Coefficients
from webapp.schema_fields import label_of, range_text
from webapp.schema_forms import default_of, value_text

RATIOS = tuple(10 ** (exponent / 40) for exponent in range(-80, 41))
"""pi/mu from 0.01 to 10, evenly spread on a logarithmic axis."""
_DIFFERS = "Differs from the paper:"
UNREADABLE = tuple(
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
)
"""The converter's complaints; they share no class of their own."""


@lru_cache(maxsize=256)
def mathml(latex: str) -> SafeString:
    """Return a formula as MathML that the browser draws; as plain TeX where it cannot be read."""
    try:
        drawn = convert(latex, display="block")
    except UNREADABLE:
        return format_html("<code>{}</code>", latex)
    return mark_safe(drawn)  # noqa: S308 - built by the converter from code that we load and run


def paper_url(paper: str) -> str:
    """Return the address of a paper named by arXiv number; empty for other citations."""
    number = re.fullmatch(r"arXiv:(\d{4}\.\d{4,5})(v\d+)?", paper)
    return f"https://arxiv.org/abs/{number[1]}" if number else ""


def coefficients(name: str, params: Schema) -> Coefficients:
    """Return the gradient coefficient of an algorithm over `RATIOS`, for R = +1 and R = -1."""
    algorithm = ALGORITHMS[name]
    positive, negative = (
        gradient_coefficient(algorithm, params, RATIOS, reward) for reward in (1.0, -1.0)
    )
    return Coefficients(RATIOS, positive, negative)


@dataclass(frozen=True)
class Notes:
    """What the file of an algorithm says of it in prose."""

    origin: str
    """What formulas and constants follow; empty where that is the paper."""
    deviations: str
    """Where it differs from its paper; empty where nothing is said of that."""


def notes_of(algorithm: Algorithm) -> Notes:
    """Return what the docstrings of an algorithm's file say."""
    if isinstance(algorithm, LLMAlgorithm):
        _, _, rest = (inspect.getdoc(algorithm.loss) or "").partition(_DIFFERS)
        return Notes("", " ".join(rest.partition("\n\n")[0].split()))
    told = inspect.getdoc(inspect.getmodule(algorithm.params)) or ""
    origin, _, deviations = told.partition(_DIFFERS)
    return Notes(" ".join(origin.split()), " ".join(deviations.split()))


@dataclass(frozen=True)
class Setting:
    """One hyperparameter in the table of an algorithm's page."""

    name: str
    label: str
    default: str
    range: str
    help: str


def settings_of(schema: type[Schema]) -> Iterator[Setting]:
    """Yield what is declared about each field of a schema."""
    for name, info in schema.model_fields.items():
        yield Setting(
            name=name,
            label=info.title or label_of(name),
            default=value_text(default_of(info)),
            range=range_text(info),
            help=" ".join((info.description or "").split()),
        )
