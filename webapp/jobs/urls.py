"""Addresses of workers, queue and jobs."""

from django.urls import path

from webapp.jobs import views

app_name = "jobs"

urlpatterns = [
    path("queue/", views.queue, name="queue"),
    path("queue/events/", views.queue_events, name="queue_events"),
    path("jobs/<int:pk>/", views.detail, name="detail"),
    path("jobs/<int:pk>/events/", views.events, name="events"),
    path("jobs/<int:pk>/ratios.json", views.ratios, name="ratios"),
    path("jobs/<int:pk>/lags.json", views.lags, name="lags"),
    path("jobs/<int:pk>/first-batch/", views.batch, name="first_batch"),
    path("jobs/<int:pk>/log/", views.log, name="log"),
    path("jobs/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("jobs/<int:pk>/retry/", views.retry, name="retry"),
    path("jobs/<int:pk>/recompute/", views.recompute, name="recompute"),
    path("jobs/<int:pk>/priority/", views.priority, name="priority"),
]
