"""Addresses of datasets."""

from django.urls import path, re_path

from webapp.datasets import views, views_new
from webapp.datasets.transitions import views as views_stored
from webapp.datasets.transitions import views_collect
from webapp.datasets.transitions import views_new as views_transitions
from webapp.datasets.transitions.views_leave_out import leave_out

app_name = "datasets"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views_new.new, name="new"),
    path("upload/<str:token>/", views_new.staged, name="staged"),
    path("upload/<str:token>/report/", views_new.report, name="report"),
    path("upload/<str:token>/discard/", views_new.discard, name="discard"),
    path("upload/<str:token>/transitions/", views_transitions.staged, name="transitions_staged"),
    re_path(
        r"^(?P<pk>\d+)/figures/(?P<name>returns|lengths|states)\.json$",
        views_stored.figure,
        name="transitions_figure",
    ),
    re_path(
        r"^(?P<pk>\d+)/transitions\.(?P<suffix>csv|npz|hdf5|json)$",
        views_stored.export,
        name="transitions_export",
    ),
    path("<int:pk>/again/", views_transitions.again, name="transitions_again"),
    path("<int:pk>/leave-out/", leave_out, name="leave_out"),
    path("collect/", views_collect.collect, name="collect"),
    path("collect/parts/", views_collect.parts, name="collect_parts"),
    path("collect/shares/", views_collect.shares, name="collect_shares"),
    path("<int:pk>/", views.detail, name="detail"),
    re_path(r"^(?P<pk>\d+)/rows\.(?P<suffix>jsonl|csv|bad\.csv)$", views.download, name="download"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
