"""Addresses of studies."""

from django.urls import path

from webapp.studies import views

app_name = "studies"
urlpatterns = [
    path("", views.studies, name="list"),
    path("<slug:name>/", views.study, name="detail"),
    path("<slug:name>/reproduce/", views.reproduce, name="reproduce"),
    path("<slug:name>/<slug:scale>/<slug:figure>/<int:number>.json", views.figure, name="figure"),
    path("<slug:name>/<slug:scale>/export/<str:file>", views.export, name="export"),
]
