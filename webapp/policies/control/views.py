"""New policies for control."""

from typing import Any

from django import forms as django_forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from algorithms.base import UserError
from algorithms.control_specs import TrainBehaviourSpec
from webapp.accounts.requests import signed_in
from webapp.components.errors import add_errors
from webapp.datasets import staging, uploads
from webapp.policies.control import files, forms, services
from webapp.policies.forms import NameForm
from webapp.policies.models import Policy
from webapp.schema_forms import SchemaForm


class Page:
    """The forms of one request; the chosen way's are bound."""

    def __init__(self, request: HttpRequest) -> None:
        data = request.POST if request.method == "POST" else None
        way = (request.POST or request.GET).get("way", "train")
        self.way = way if way in forms.WAYS else "train"
        self.user = signed_in(request)
        self.name = NameForm(data)
        self.where = forms.WhereForm(data, environment=request.GET.get("environment", ""))
        self.train = forms.train_form(data if self.way == "train" else None)
        self.scripted = forms.ScriptedForm(data if self.way == "scripted" else None)
        self.entry_point = forms.EntryPointForm(data if self.way == "entry_point" else None)
        self.files = {
            name: forms.FileForm(name, data, request.FILES) if data and name == self.way
            else forms.FileForm(name, None)
            for name in forms.FILES
        }  # fmt: skip
        self.kept: dict[str, staging.StagedFile] = {}
        """Files that wait here, by field."""

    @property
    def chosen(self) -> SchemaForm | django_forms.Form:
        """The form of the chosen way."""
        own = {"train": self.train, "scripted": self.scripted, "entry_point": self.entry_point}
        return own.get(self.way) or self.files[self.way]

    def make(self) -> Policy | None:
        """Return the policy that is being made; None with the errors at their fields."""
        self._keep_files()
        valid = [form.is_valid() for form in (self.name, self.where, self.chosen)]
        if not all(valid) or self.chosen.errors:
            return None
        common = {**self.name.cleaned_data, "label": self.where.cleaned_data["label"]}
        environment = self.where.cleaned_data["environment"]
        try:
            return self._made(environment, common)
        except UserError as error:
            self.chosen.add_error(None, str(error))
        except ValidationError as error:
            self._place(error)
        return None

    def _keep_files(self) -> None:
        """Store what was uploaded before anything is judged, so that no mistake loses it."""
        if self.way not in forms.FILES:
            return
        form = self.files[self.way]
        form.is_valid()
        purposes: dict[str, staging.Purpose] = {
            "file": forms.FILES[self.way],
            "normalisation": "normalisation",
        }
        for field, purpose in purposes.items():
            if field not in form.fields:
                continue
            token = "staged" if field == "file" else "normalisation_staged"
            told = form.cleaned_data
            try:
                file, earlier = told.get(field), told.get(token, "")
                found = files.kept(self.user, file, earlier, purpose=purpose, field=field)
            except ValidationError as error:
                add_errors(form, error)
                continue
            if found is not None:
                self.kept[field] = found

    def _made(self, environment: str, common: dict[str, Any]) -> Policy:
        if self.way == "train":
            values = self.train.cleaned_schema().model_dump() | {"environment": environment}
            spec = TrainBehaviourSpec.model_validate(values)
            return services.behaviour_train(owner=self.user, spec=spec, **common)
        if self.way in forms.FILES:
            return self._from_file(environment, common)
        told = self.chosen.cleaned_data
        spec_of_source = forms.import_spec(self.way, environment, **told)
        return services.control_policy_from_source(owner=self.user, spec=spec_of_source, **common)

    def _from_file(self, environment: str, common: dict[str, Any]) -> Policy:
        told = self.files[self.way].cleaned_data
        moments = told.get("normalisation_path", "")
        file, normalisation = self.kept.get("file"), self.kept.get("normalisation")
        if file is None:
            spec = forms.import_spec(
                self.way, environment, path=told["path"], normalisation=moments
            )
            return services.control_policy_from_source(owner=self.user, spec=spec, **common)
        if self.way == "sb3":
            files.require_sb3(file, normalisation, environment)
        spec = forms.import_spec(self.way, environment, normalisation=moments)
        return services.control_policy_upload(
            owner=self.user, spec=spec, staged=file, normalisation=normalisation, **common
        )

    def _place(self, error: ValidationError) -> None:
        """Put each error into the form that has its field."""
        for field, found in error.message_dict.items():
            owners = (self.chosen, self.where, self.name)
            form = next((each for each in owners if field in each.fields), self.chosen)
            form.add_error(field if field in form.fields else None, found)


def new_control(request: HttpRequest) -> HttpResponse:
    """Show the ways to a policy for control; start the job of the one that was chosen."""
    page = Page(request)
    if request.method == "POST":
        if uploads.was_too_large(request) and page.way in page.files:
            page.files[page.way].is_valid()
            page.files[page.way].errors.pop("file", None)
            add_errors(page.files[page.way], staging.too_large())
        policy = page.make()
        if policy is not None:
            return redirect("policies:detail", pk=policy.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "policies/control/new.html", {"page": page}, status=status)
