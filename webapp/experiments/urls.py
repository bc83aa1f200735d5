"""Addresses of experiments."""

from django.urls import path

from webapp.experiments import (
    views,
    views_control,
    views_new,
    views_parts,
    views_schedules,
    views_yaml,
)

app_name = "experiments"
urlpatterns = [
    path("", views.experiments, name="list"),
    path("events/", views.list_events, name="list_events"),
    path("new/", views_new.new, name="new"),
    path("new/yaml/", views_yaml.open_file, name="open_file"),
    path("new/control/", views_control.new, name="new_control"),
    path("new/control/row/", views_control.row, name="control_row"),
    path("new/control/network/", views_control.network, name="control_network"),
    path("new/control/recipe/", views_control.recipe, name="control_recipe"),
    path("new/control/correction/", views_control.correction, name="control_correction"),
    path("new/control/restore/", views_control.restore, name="control_restore"),
    path("new/control/point-mass/", views_control.point_mass, name="point_mass"),
    path("new/preview/", views_new.preview, name="preview"),
    path("new/row/", views_parts.row, name="row"),
    path("new/recipe/", views_parts.recipe, name="recipe"),
    path("new/schedules.json", views_schedules.figure, name="schedules"),
    path("new/axis/", views_parts.axis, name="axis"),
    path("new/curation/", views_parts.curation, name="curation"),
    path("new/restore/", views_new.restore, name="restore"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/yaml/", views_yaml.download, name="download"),
    path("<int:pk>/clone/", views_new.clone, name="clone"),
    path("<int:pk>/extend/", views_new.extend, name="extend"),
    path("<int:pk>/extend/preview/", views_new.extend_preview, name="extend_preview"),
    path("<int:pk>/events/", views.events, name="events"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/retry/", views.retry, name="retry"),
    path("<int:pk>/priority/", views.priority, name="priority"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
