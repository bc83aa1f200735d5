"""Pages of studies: the list, one study at one scale, its figures and files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from algorithms.base import UserError
from webapp.accounts.requests import signed_in
from webapp.studies import exports
from webapp.studies.figures import draw
from webapp.studies.library import StudyFile, study_files
from webapp.studies.methods import methods_text
from webapp.studies.pages import study_list, study_page
from webapp.studies.results import StudyResult, load_result
from webapp.studies.services import study_reproduce
from webapp.studies.texts import claims_markdown

FIRST_S, SLICE_S = 0.3, 1.0
"""How long a bandit is played for the page, and for each fragment that asks again."""
EXACT = "exact"
"""Scale of a bandit in addresses: it has one size."""


@require_safe
def studies(request: HttpRequest) -> HttpResponse:
    """Show every study."""
    return render(request, "studies/list.html", {"rows": study_list()})


@require_safe
def study(request: HttpRequest, name: str) -> HttpResponse:
    """Show one study at one scale."""
    file = study_or_404(name)
    scale = scale_of(file, request.GET.get("scale", ""))
    fragment = request.GET.get("fragment") == "state"
    context = {"file": file, "scale": scale or EXACT, "scales": list(file.scales)}
    try:
        page = study_page(file, scale, seconds=SLICE_S if fragment else FIRST_S)
    except UserError as error:
        return render(request, "studies/detail.html", {**context, "problem": str(error)})
    context["page"] = page
    answer = render(request, "studies/_state.html" if fragment else "studies/detail.html", context)
    if fragment and "playing" in request.GET and not page.is_playing:
        answer.headers["HX-Refresh"] = "true"  # its figures are complete now
    return answer


@require_POST
def reproduce(request: HttpRequest, name: str) -> HttpResponse:
    """Queue what is missing of a study at one scale."""
    file = study_or_404(name)
    scale = scale_of(file, request.POST.get("scale", ""))
    try:
        done = study_reproduce(owner=signed_in(request), file=file, scale=scale)
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done.sentence)
    return redirect(f"{reverse('studies:detail', args=[name])}?scale={scale}")


@require_safe
def figure(
    _request: HttpRequest, *, name: str, scale: str, figure: str, number: int
) -> HttpResponse:
    """Answer with one panel of a figure as Plotly's JSON."""
    result = _result(name, scale)
    specs = {one.id: one for one in result.study.figures}
    if figure not in specs or number >= max(1, len(specs[figure].panels)):
        raise Http404(f"{name} has no such figure")
    drawn = draw(result, specs[figure], number)
    return HttpResponse(drawn.to_json(), content_type="application/json")


@dataclass(frozen=True)
class Export:
    """One file that the page offers."""

    content_type: str
    write: Callable[[StudyResult], str]


EXPORTS: Mapping[str, Export] = {
    "claims.csv": Export("text/csv", exports.claims_csv),
    "runs.csv": Export("text/csv", exports.runs_csv),
    "curves.csv": Export("text/csv", exports.curves_csv),
    "bandit.csv": Export("text/csv", exports.bandit_csv),
    "table.tex": Export("text/x-tex", exports.table_latex),
    "claims.md": Export("text/markdown", claims_markdown),
    "methods.txt": Export("text/plain", methods_text),
}


@require_safe
def export(_request: HttpRequest, name: str, scale: str, file: str) -> HttpResponse:
    """Answer with a file to keep."""
    result = _result(name, scale)
    if file not in EXPORTS or (file == "bandit.csv" and result.study.bandit is None):
        raise Http404(f"there is no file {file}")
    chosen = EXPORTS[file]
    answer = HttpResponse(
        chosen.write(result), content_type=f"{chosen.content_type}; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}-{scale}-{file}"'
    return answer


def study_or_404(name: str) -> StudyFile:
    """Return a study's file by name."""
    found = study_files().get(name)
    if found is None:
        raise Http404(f"there is no study {name}")
    return found


def scale_of(file: StudyFile, wanted: str) -> str:
    """Return the scale that is asked for, else the first; empty for a bandit."""
    return wanted if wanted in file.scales else next(iter(file.scales), "")


def _result(name: str, scale: str) -> StudyResult:
    file = study_or_404(name)
    try:
        return load_result(file, "" if scale == EXACT else scale)
    except UserError as error:
        raise Http404(str(error)) from error
