"""Address of the style guide."""

from django.urls import path

from webapp.components import views

app_name = "components"
urlpatterns = [
    path("", views.styleguide, name="styleguide"),
    path("figure.json", views.sample_figure, name="sample_figure"),
]
