"""Addresses of policies."""

from django.urls import path

from webapp.policies import views
from webapp.policies.control import figures as control_figures

app_name = "policies"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("from-run/", views.from_run, name="from_run"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/stages.json", control_figures.stages_figure, name="stages_figure"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
