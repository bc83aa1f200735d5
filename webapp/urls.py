"""Every address of the application; each app declares its own."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from webapp.api.api import urls as api_urls

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="experiments:list"), name="home"),
    path("accounts/", include("webapp.accounts.urls")),
    path("accounts/tokens/", include("webapp.api.token_urls")),
    path("datasets/", include("webapp.datasets.urls")),
    path("policies/", include("webapp.policies.urls")),
    path("experiments/", include("webapp.experiments.urls")),
    path("styleguide/", include("webapp.components.urls")),
    path("algorithms/", include("webapp.catalogue.urls")),
    path("labs/", include("webapp.labs.urls")),
    path("studies/", include("webapp.studies.urls")),
    path("", include("webapp.jobs.urls")),
    path("", include("webapp.results.urls")),
    path("", include("webapp.curation.urls")),
    path("api/v1/", api_urls()),
    path("admin/", admin.site.urls),
]
