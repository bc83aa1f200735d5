"""Addresses of experiments."""

from django.urls import path

from webapp.experiments import views

app_name = "experiments"
urlpatterns = [
    path("", views.experiments, name="list"),
    path("events/", views.list_events, name="list_events"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/events/", views.events, name="events"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/retry/", views.retry, name="retry"),
    path("<int:pk>/priority/", views.priority, name="priority"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
