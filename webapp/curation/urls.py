"""Addresses of curation."""

from django.urls import path

from webapp.curation import views

app_name = "curation"
urlpatterns = [
    path("rollouts/<int:pk>/curate/", views.curate, name="curate"),
    path("rollouts/<int:pk>/curate/positives.json", views.figure, name="figure"),
    path("curation/<slug:prefix>/step/", views.step, name="step"),
    path("curation/<int:pk>/delete/", views.delete, name="delete"),
]
