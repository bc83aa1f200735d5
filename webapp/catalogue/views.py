"""The gallery: every algorithm with paper, formula, and what its gradient does to a completion."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.views.decorators.http import require_GET
from django_htmx.http import trigger_client_event

from algorithms.base import LLMAlgorithm, Schema
from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_base import ControlAlgorithm, CorrectionAlgorithm
from algorithms.shared import families
from webapp.catalogue import formulas, selectors
from webapp.catalogue.forms import PREFIX, SET, PresetForm, asked_params
from webapp.catalogue.known import KNOWN, Algorithm, Kind, kind_of
from webapp.results.figures import coefficient
from webapp.schema_forms import SchemaForm, differences, form_values

CONTROL_ORDER = tuple(
    dict.fromkeys(
        [
            *(one.family for one in CONTROL_ALGORITHMS.values()),
            *(one.family for one in CORRECTIONS.values()),
        ]
    )
)
"""Chapters of the control laboratory, after those of language models."""


@dataclass(frozen=True)
class Card:
    """One algorithm as the gallery shows it."""

    name: str
    algorithm: Algorithm

    @property
    def kind(self) -> Kind:
        """Whether it trains language models, learns control from data, or corrects actions."""
        return kind_of(self.algorithm)

    @property
    def has_coefficient(self) -> bool:
        """Whether its loss has a factor before grad log pi to plot."""
        return isinstance(self.algorithm, LLMAlgorithm)

    @property
    def notes(self) -> formulas.Notes:
        """What its file says of it, deviations from the paper apart."""
        return formulas.notes_of(self.algorithm)

    @property
    def formula(self) -> SafeString:
        """The loss as MathML."""
        return formulas.mathml(self.algorithm.formula)

    @property
    def paper_url(self) -> str:
        """Where the paper is; empty where only a citation is known."""
        return formulas.paper_url(self.algorithm.paper)

    @property
    def url(self) -> str:
        """Its page."""
        return reverse("catalogue:algorithm", args=[self.name])

    @property
    def figure_url(self) -> str:
        """The plot at its defaults."""
        return reverse("catalogue:coefficient", args=[self.name])

    @property
    def paper_presets(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """(name, address of the page filled with it, what differs) of each shipped preset."""
        found = []
        for label, values in self.algorithm.presets.items():
            params = self.algorithm.params.model_validate(dict(values))
            found.append(
                (label, f"{self.url}?{query(params)}", differences(self.algorithm.params, params))
            )
        return found

    def says(self, words: list[str]) -> bool:
        """Whether every word occurs in its name, title, family, paper or summary."""
        told = self.algorithm
        text = f"{self.name} {told.title} {told.family} {told.paper} {told.summary}".lower()
        return all(word in text for word in words)

    @property
    def learns_from(self) -> str:
        """What a step is made of, in words."""
        if isinstance(self.algorithm, CorrectionAlgorithm):
            return "nothing: it corrects actions by networks that learned the data"
        if isinstance(self.algorithm, ControlAlgorithm):
            return "transitions of a data set"
        if self.algorithm.trains_on == "references":
            return "reference answers of a dataset"
        return {
            "completion": "graded completions of a policy, each by itself",
            "prompt": "graded completions of a policy, all of a prompt together",
            "pair": "pairs of a better and a worse completion of a prompt",
        }[self.algorithm.unit]


@dataclass(frozen=True)
class Family:
    """One chapter of the gallery."""

    name: str
    cards: list[Card]

    @property
    def anchor(self) -> str:
        """Where the chapter is on the page."""
        return slugify(self.name)


def chapters(search: str) -> list[Family]:
    """Return the algorithms that the search finds, by family; empty families are left out."""
    words = search.lower().split()
    cards = [Card(name, algorithm) for name, algorithm in KNOWN.items()]
    found = [card for card in cards if card.says(words)]
    order = (*families.ORDER, *CONTROL_ORDER)
    others = sorted({card.algorithm.family for card in found} - set(order))
    grouped = [
        Family(name, [card for card in found if card.algorithm.family == name])
        for name in (*families.ORDER, *others, *CONTROL_ORDER)
    ]
    return [family for family in grouped if family.cards]


def card(name: str) -> Card:
    """Return an algorithm of the catalogue.

    Raises:
        Http404: there is none of that name.
    """
    if name not in KNOWN:
        raise Http404(f"There is no algorithm {name}.")
    return Card(name, KNOWN[name])


def query(params: Schema) -> str:
    """Return hyperparameters as the query of an address."""
    return urlencode({SET: "1", **form_values(type(params), params, prefix=PREFIX)})


@require_GET
def gallery(request: HttpRequest) -> HttpResponse:
    """Show every algorithm, or those that `q` finds, by family, and every saved preset."""
    search = request.GET.get("q", "").strip()
    context = {
        "families": chapters(search),
        "search": search,
        "total": len(KNOWN),
        "presets": selectors.presets(),
    }
    return render(request, "catalogue/gallery.html", context)


@require_GET
def algorithm(request: HttpRequest, name: str) -> HttpResponse:
    """Show one algorithm with its form; to htmx, what the values typed so far mean."""
    shown = card(name)
    form = asked_params(request, name)
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx adds it to the request
        return answer_live(request, shown, form)
    context = {
        "card": shown,
        "form": form,
        "preset_form": PresetForm(),
        "settings": formulas.settings_of(shown.algorithm.params),
        "presets": selectors.presets(algorithm=name),
        **state_of(shown, form),
    }
    return render(request, "catalogue/algorithm.html", context)


def answer_live(request: HttpRequest, shown: Card, form: SchemaForm) -> HttpResponse:
    """Answer with errors and differences, and tell the page which plot to load."""
    state = state_of(shown, form)
    answer = render(request, "catalogue/_parameters_state.html", {"form": form, **state})
    if not form.errors and shown.has_coefficient:
        trigger_client_event(answer, "lab:coefficient", {"url": state["figure_url"]})
    return answer


def state_of(shown: Card, form: SchemaForm) -> dict[str, object]:
    """Return what follows from the form: the address of its plot and what is not a default."""
    valid = form.is_bound and form.is_valid()
    params = form.cleaned_schema() if valid else shown.algorithm.params()
    figure_url = f"{shown.figure_url}?{query(params)}" if valid else shown.figure_url
    if not shown.has_coefficient:
        figure_url = ""
    return {"figure_url": figure_url, "changed": differences(shown.algorithm.params, params)}


@require_GET
def coefficient_figure(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with the plot of the gradient coefficient, as Plotly's JSON."""
    shown = card(name)
    if not shown.has_coefficient:
        raise Http404(f"{shown.algorithm.title} has no coefficient of ∇ log π.")
    form = asked_params(request, name)
    if form.is_bound and not form.is_valid():
        return HttpResponse(form.errors.as_json(), status=400, content_type="application/json")
    params = form.cleaned_schema() if form.is_bound else shown.algorithm.params()
    drawn = coefficient.draw(name, formulas.coefficients(name, params))
    return HttpResponse(drawn.to_json(), content_type="application/json")
