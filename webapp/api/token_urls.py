"""Addresses at which a person makes and ends tokens in the browser."""

from django.urls import path

from webapp.api import token_views

app_name = "tokens"
urlpatterns = [
    path("", token_views.create, name="create"),
    path("<int:pk>/revoke/", token_views.revoke, name="revoke"),
]
