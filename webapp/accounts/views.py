"""Signing in and out, the own account."""

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.decorators.http import require_safe

from webapp.accounts.requests import signed_in


class SignInForm(AuthenticationForm):
    """Name and password; the error does not tell which of them was wrong."""

    error_messages = {
        "invalid_login": "This name and password do not belong together. Capital letters matter.",
        "inactive": "This account is switched off. Ask the administrator.",
    }


class SignIn(auth_views.LoginView):
    """Sign in; who is signed in already goes on."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(auth_views.LogoutView):
    """Sign out, by POST."""

    http_method_names = ["post", "options"]


class PasswordChange(auth_views.PasswordChangeView):
    """Change the own password."""

    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:profile")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Say that it was changed; other browsers are signed out by it."""
        messages.success(self.request, "Your password was changed. Other browsers are signed out.")
        return super().form_valid(form)


@require_safe
def profile(request: HttpRequest) -> HttpResponse:
    """Show the own account and its tokens."""
    tokens = signed_in(request).token_set.order_by("-created_at")
    return render(request, "accounts/profile.html", {"tokens": tokens})
