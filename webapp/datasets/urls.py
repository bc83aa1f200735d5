"""Addresses of datasets."""

from django.urls import path, re_path

from webapp.datasets import views, views_new

app_name = "datasets"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views_new.new, name="new"),
    path("upload/<str:token>/", views_new.staged, name="staged"),
    path("upload/<str:token>/report/", views_new.report, name="report"),
    path("upload/<str:token>/discard/", views_new.discard, name="discard"),
    path("<int:pk>/", views.detail, name="detail"),
    re_path(r"^(?P<pk>\d+)/rows\.(?P<suffix>jsonl|csv|bad\.csv)$", views.download, name="download"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
