"""Addresses of the gallery and of presets."""

from django.urls import path

from webapp.catalogue import views, views_presets

app_name = "catalogue"
urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("presets/<int:pk>/", views_presets.edit, name="preset"),
    path("presets/<int:pk>/delete/", views_presets.delete, name="preset_delete"),
    path("presets/<int:pk>/duplicate/", views_presets.duplicate, name="preset_duplicate"),
    path("<slug:name>/", views.algorithm, name="algorithm"),
    path("<slug:name>/coefficient.json", views.coefficient_figure, name="coefficient"),
    path("<slug:name>/presets/", views_presets.create, name="preset_create"),
]
