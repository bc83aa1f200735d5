"""Addresses of policies."""

from django.urls import path

from webapp.policies import views
from webapp.policies.control import figures as control_figures
from webapp.policies.control.keeping_views import from_checkpoint

app_name = "policies"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("from-run/", views.from_run, name="from_run"),
    path("from-checkpoint/<int:job_id>/", from_checkpoint, name="from_checkpoint"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/stages.json", control_figures.stages_figure, name="stages_figure"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
