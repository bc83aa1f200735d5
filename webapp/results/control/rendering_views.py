"""Rendering episodes of an evaluation, and showing them."""

from django import forms
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_safe

from algorithms.base import UserError
from algorithms.control_derived_specs import MOST_RENDERED
from algorithms.evaluation.renderings import read_renderings
from webapp.accounts.requests import signed_in
from webapp.jobs.models import Job
from webapp.jobs.store import ArtifactDamaged, default_store
from webapp.results.control import renderings as made
from webapp.results.rows import CONTROL_EVALUATION

WHICH = (
    ("first", "the first of the evaluation"),
    ("worst", "those of the smallest return"),
    ("best", "those of the largest return"),
)

INPUT = {"class": "lab-input"}


class RenderForm(forms.Form):
    """Which episodes are to be rendered."""

    count = forms.IntegerField(
        label="Episodes",
        min_value=1,
        max_value=MOST_RENDERED,
        initial=made.USUAL,
        widget=forms.NumberInput(attrs=INPUT),
    )
    which = forms.ChoiceField(
        label="Which", choices=WHICH, initial="first", widget=forms.Select(attrs=INPUT)
    )
    seeds = forms.CharField(
        label="or these reset seeds",
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={**INPUT, "placeholder": "from the selection"}),
    )

    def clean_seeds(self) -> tuple[int, ...]:
        """Return the numbers of a list such as 4, 8."""
        words = self.cleaned_data["seeds"].replace(",", " ").split()
        if not all(word.isascii() and word.isdecimal() and len(word) < 19 for word in words):
            raise forms.ValidationError("Write whole numbers, separated by commas.")
        return tuple(map(int, words))

    def reset_seeds(self, evaluation: Job) -> tuple[int, ...]:
        """Return the reset seeds that are meant.

        Raises:
            UserError: the evaluation's episodes are not there.
        """
        told = self.cleaned_data
        if told["seeds"]:
            seeds: tuple[int, ...] = told["seeds"]
            return seeds
        return made.seeds_to_render(evaluation, count=told["count"], which=told["which"])


@require_http_methods(["GET", "POST"])
def renderings(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what was rendered of an evaluation; have episodes rendered."""
    evaluation = get_object_or_404(Job, pk=pk, kind=CONTROL_EVALUATION)
    form = RenderForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            seeds = form.reset_seeds(evaluation)
            made.episodes_render(user=signed_in(request), evaluation=evaluation, reset_seeds=seeds)
        except UserError as error:
            form.add_error(None, str(error))
        else:
            form = RenderForm()
    found = made.renderings_of(evaluation)
    context = {
        "job": evaluation,
        "form": form,
        "renderings": found,
        "is_active": any(not each.job.is_finished for each in found),
    }
    return render(request, "results/control/_renderings.html", context)


@require_safe
def rendered_file(request: HttpRequest, pk: int, name: str) -> FileResponse:  # noqa: ARG001 - Django passes it
    """Return an animation, or its still picture, of a job that rendered episodes."""
    job = get_object_or_404(Job.objects.select_related("artifact"), pk=pk, kind=made.KIND)
    return picture_of(job, name)


def picture_of(job: Job, name: str) -> FileResponse:
    """Return one of the pictures that a job made.

    Raises:
        Http404: it made no such picture, or its files are gone.
    """
    artifact = getattr(job, "artifact", None)
    if artifact is None:
        raise Http404(f"Job {job.pk} has no pictures (yet).")
    try:
        folder = default_store().folder(artifact.path)
        episodes = read_renderings(folder).episodes
        if name not in {file for each in episodes for file in (each.file, each.still)}:
            raise Http404(f"Job {job.pk} made no picture {name}.")
        response = FileResponse((folder / name).open("rb"), content_type="image/webp")
    except (ArtifactDamaged, UserError, OSError) as error:
        raise Http404(f"The pictures of job {job.pk} cannot be read: {error}.") from error
    response["Cache-Control"] = "private, max-age=86400"
    return response
