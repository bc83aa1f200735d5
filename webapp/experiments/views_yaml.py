"""Experiments as YAML files: download one, or open one in the New experiment page."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods

from webapp.accounts.requests import signed_in
from webapp.experiments.drafts import draft_of, filled
from webapp.experiments.models import Experiment
from webapp.experiments.portable.reading import Problem
from webapp.experiments.portable.services import Imported, ImportRefused, sources_import
from webapp.experiments.portable.text import MAX_CHARACTERS
from webapp.experiments.portable.writing import experiment_yaml
from webapp.experiments.views_new import new_page
from webapp.messages import user_errors_as_messages

YAML = "application/yaml; charset=utf-8"


class YamlForm(forms.Form):
    """A file, or its text."""

    file = forms.FileField(
        required=False, help_text="Ours, or a configuration of Trinity-RFT.", label="File"
    )
    text = forms.CharField(
        required=False,
        strip=False,
        max_length=MAX_CHARACTERS,
        label="Or its text",
        widget=forms.Textarea(
            attrs={"rows": 22, "spellcheck": "false", "class": "mono", "wrap": "off"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        """Put the text of a chosen file into the box, so that it can be mended there."""
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if file is not None:
            cleaned["text"] = _text_of(file.read(MAX_CHARACTERS * 4))
            shown = QueryDict(mutable=True)
            shown["text"] = cleaned["text"]
            self.data = shown
        if not (cleaned.get("text") or "").strip() and "text" not in self.errors:
            raise ValidationError({"text": "Choose a file, or paste its text."})
        return cleaned


def _text_of(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError({"file": "This file is no text (UTF-8)."}) from error


@dataclass(frozen=True)
class ShownProblem:
    """A problem beside the line it is about."""

    problem: Problem
    excerpt: str


@require_GET
@user_errors_as_messages
def download(request: HttpRequest, pk: int) -> HttpResponse:  # noqa: ARG001 - a view's
    """Send an experiment as a file that other installations understand."""
    experiment = get_object_or_404(Experiment, pk=pk)
    answer = HttpResponse(experiment_yaml(experiment), content_type=YAML)
    name = slugify(experiment.name)[:60] or f"experiment-{pk}"
    answer["Content-Disposition"] = f'attachment; filename="{name}.yaml"'
    return answer


@require_http_methods(["GET", "POST"])
def open_file(request: HttpRequest) -> HttpResponse:
    """Ask for a file; show the New experiment page filled with it, or what is wrong with it."""
    if request.method == "GET":
        return _ask(request, YamlForm())
    form = YamlForm(request.POST, request.FILES)
    if not form.is_valid():
        return _ask(request, form, status=422)
    text = form.cleaned_data["text"]
    try:
        found = sources_import(owner=signed_in(request), text=text)
    except ImportRefused as refused:
        shown = [ShownProblem(one, _line(text, one.line)) for one in refused.problems]
        notes = refused.not_understood
        return _ask(request, form, status=422, refused=shown, not_understood=notes)
    return new_page(request, draft_of(_filled(found), fresh=True), imported=found)


def _ask(request: HttpRequest, form: YamlForm, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "experiments/new_yaml.html", {"form": form, **more}, status=status)


def _line(text: str, number: int | None) -> str:
    lines = text.splitlines()
    return lines[number - 1].strip()[:160] if number and number <= len(lines) else ""


def _filled(found: Imported) -> QueryDict:
    """Return the New experiment page as a browser would post it."""
    document = found.document
    tags = list(document.tags)
    asked = Experiment(name=document.name, question=document.question, tags=tags)
    data = filled(asked, found.config)
    data.update({"name": document.name, "cloned_from": ""})
    return data
