"""A data set of transitions without a region of the state space."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from algorithms.base import UserError
from webapp.accounts.requests import signed_in
from webapp.components.errors import add_errors
from webapp.datasets import selectors
from webapp.datasets.forms import NameForm
from webapp.datasets.models import Dataset
from webapp.datasets.transitions import leaving_out

TOUCHING = (
    ("either", "begin or end in the region"),
    ("state", "begin in the region"),
)


class Page:
    """The region as typed, and what it would leave."""

    def __init__(self, request: HttpRequest, dataset: Dataset) -> None:
        data = request.POST if request.method == "POST" else request.GET
        self.dataset = dataset
        self.touching = data.get("touching", "either")
        self.choices = TOUCHING
        self.transitions = leaving_out.data_of(dataset)
        self.axes = leaving_out.axes_of(self.transitions, data)
        self.error = ""
        self.left: leaving_out.Left | None = None
        self.name = NameForm(
            request.POST if request.method == "POST" else None,
            initial={"name": f"{dataset.name} with a hole"[:120]},
        )
        if any(axis.low or axis.high for axis in self.axes) or request.method == "POST":
            self._look()

    def _look(self) -> None:
        try:
            self.spec = leaving_out.spec_of(self.axes, self.touching)
            self.left = leaving_out.left_of(self.transitions, self.spec)
        except UserError as error:
            self.error = str(error)

    def make(self, request: HttpRequest) -> Dataset | None:
        """Return the data set that is being made; None with the errors at their places."""
        if not self.name.is_valid() or self.left is None:
            return None
        try:
            return leaving_out.transitions_leave_out(
                owner=signed_in(request),
                dataset=self.dataset,
                spec=self.spec,
                **self.name.cleaned_data,
            )
        except UserError as error:
            self.error = str(error)
        except ValidationError as error:
            add_errors(self.name, error)
        return None


@require_http_methods(["GET", "POST"])
def leave_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a region holds; make a data set without it. To htmx, only what it would leave."""
    dataset = get_object_or_404(selectors.datasets(family="transitions"), pk=pk)
    try:
        page = Page(request, dataset)
    except UserError as error:
        context = {"dataset": dataset, "gone": str(error)}
        return render(request, "datasets/transitions/leave_out.html", context, status=409)
    if request.method == "POST":
        made = page.make(request)
        if made is not None:
            return redirect("datasets:detail", pk=made.pk)
    name = "_left" if request.htmx else "leave_out"  # type: ignore[attr-defined]  # django_htmx
    status = 422 if request.method == "POST" else 200
    context = {"dataset": dataset, "page": page}
    return render(request, f"datasets/transitions/{name}.html", context, status=status)
