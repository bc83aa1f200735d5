"""Looking at transitions: their page, plots and files."""

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from algorithms.base import CorruptArtifactError
from algorithms.environments.grounds import GROUNDS
from webapp.accounts.permissions import may_change
from webapp.accounts.requests import signed_in
from webapp.datasets import selectors
from webapp.datasets.files import file_response
from webapp.datasets.models import Dataset
from webapp.datasets.transitions import content, pages
from webapp.jobs.models import Artifact
from webapp.jobs.store import ArtifactDamaged
from webapp.results.figures import state_scatter, transition_histogram

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "npz": "application/octet-stream",
    "hdf5": "application/x-hdf5",
    "json": "application/json",
}


def detail(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """Show one data set of transitions."""
    context = {
        "dataset": dataset,
        "page": pages.transitions_page(dataset, request.GET),
        "own": may_change(signed_in(request), dataset),
    }
    return render(request, "datasets/transitions/detail.html", context)


@require_safe
def figure(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Return a plot as JSON: returns, lengths, or states in two dimensions."""
    artifact = _artifact(pk)
    try:
        statistics = content.statistics_of(artifact)
        if name != "states":
            histogram = statistics.returns if name == "returns" else statistics.lengths
            drawn = transition_histogram.draw(
                histogram.edges, histogram.counts, of="return" if name == "returns" else "length"
            )
            return HttpResponse(drawn.to_json(), content_type="application/json")
        data = content.transitions_of(artifact)
    except (CorruptArtifactError, ArtifactDamaged) as error:
        raise Http404(str(error)) from error
    size = statistics.observation_size
    choice = pages.StateChoice.of(request.GET, size)
    by_step = choice.colour == "step"
    states = content.states_of(data, choice.x, choice.y, by_step=by_step)
    names = pages.dimensions_of(statistics.environment, size)
    ground = GROUNDS.get(statistics.environment)
    shows_zone = ground is not None and ground.place == (choice.x, choice.y)
    picture = state_scatter.ScatterPicture(
        places=states.places,
        values=states.values,
        rows=states.rows,
        labels=(names[choice.x], names[choice.y]),
        values_label="Step" if by_step else "Episode return",
        danger=ground.danger if ground is not None and shows_zone else None,
        walls=ground.walls if ground is not None and shows_zone else (),
    )
    return HttpResponse(state_scatter.draw(picture).to_json(), content_type="application/json")


@require_safe
def export(
    request: HttpRequest,  # noqa: ARG001 - Django passes it
    pk: int,
    suffix: str,
) -> StreamingHttpResponse:
    """Send the episodes as CSV, or a stored file."""
    artifact = _artifact(pk)
    dataset = Dataset.objects.select_related("job").get(pk=pk)
    if suffix == "csv":
        chunks = content.episodes_csv(content.transitions_of(artifact))
        return file_response(chunks, TYPES[suffix], f"{dataset}.episodes.csv")
    path = content.stored_file(artifact, suffix)
    if path is None:
        raise Http404("This data set was not written as HDF5: collect it again with that setting.")
    return file_response(content.chunks_of(path), TYPES[suffix], f"{dataset}.{suffix}")


def _artifact(pk: int) -> Artifact:
    dataset = get_object_or_404(selectors.datasets(family="transitions"), pk=pk)
    artifact: Artifact | None = getattr(dataset.job, "artifact", None)
    if artifact is None:
        raise Http404("This data set has no transitions yet.")
    return artifact
