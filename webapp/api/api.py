"""The REST API: everything that a page can do, by the same services."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI

from webapp.api import errors
from webapp.api.auth import SessionAuth, TokenAuth
from webapp.api.routes import (
    catalogue,
    control_labs,
    control_policies,
    curation,
    datasets,
    experiments,
    jobs,
    labs,
    policies,
    portable,
    problems,
    renderings,
    results,
    studies,
    tokens,
    transitions,
)

api = NinjaAPI(
    title="Offpolicy Lab",
    version="1",
    description=(
        "Everything that a page can do. Send a token of your account page as "
        "`Authorization: Bearer lab_…`. Errors are problem documents (RFC 9457) whose `errors` "
        "name the path of each field."
    ),
    auth=[TokenAuth(), SessionAuth()],
    # The document is a route of ours, behind the same authentication; no page loads scripts from
    # elsewhere to show it.
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
)
errors.install(api)
api.add_router("", tokens.router)
api.add_router("", catalogue.router)
api.add_router("", problems.router)
api.add_router("", results.router)
api.add_router("", renderings.router)
api.add_router("", curation.router)
api.add_router("", labs.router)
api.add_router("", control_labs.router)
api.add_router("", jobs.workers_router)
api.add_router("/datasets", datasets.router)
api.add_router("/policies", policies.router)
api.add_router("/transitions", transitions.router)
api.add_router("/control-policies", control_policies.router)
api.add_router("/experiments", portable.router)
api.add_router("/experiments", experiments.router)
api.add_router("/runs", experiments.runs_router)
api.add_router("/jobs", jobs.router)
api.add_router("/studies", studies.router)


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - ninja passes it
    """Return the OpenAPI document."""
    return api.get_openapi_schema(path_prefix="/api/v1/")


def urls() -> tuple[list[URLPattern | URLResolver], str, str]:
    """Return the routes, exempt from the redirect to the sign-in page: they answer 401."""
    patterns, app_name, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            login_not_required(pattern.callback)
    return patterns, app_name, namespace
