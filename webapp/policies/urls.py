"""Addresses of policies."""

from django.urls import path

from webapp.policies import views

app_name = "policies"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
    path("from-run/", views.from_run, name="from_run"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
