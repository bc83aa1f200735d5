"""Fields of the New experiment page that no schema declares: question, seeds, labels, axes."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from webapp.experiments.curations import NAME_LENGTH
from webapp.experiments.models import Experiment

MAX_SEEDS = 100


def seeds_of(text: str) -> tuple[int, ...]:
    """Return the seeds of a text such as "0-4" or "0, 1, 7", in its order.

    Raises:
        ValidationError: a part is neither a number nor a range, or there are too many.
    """
    seeds: list[int] = []
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*[-–]\s*", "-", text.strip()))):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        if match is None:
            raise ValidationError(f"“{part}” is no seed. Write 0-4, or 0, 1, 7.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValidationError(f"The range {part} runs backwards.")
        if len(seeds) + last - first + 1 > MAX_SEEDS:
            raise ValidationError(f"At most {MAX_SEEDS} seeds fit into one experiment.")
        seeds.extend(range(first, last + 1))
    if not seeds:
        raise ValidationError("Give at least one seed, such as 0.")
    return tuple(seeds)


def seeds_text(seeds: Sequence[int]) -> str:
    """Return seeds as a person writes them: runs of three and more as a range."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    written = (
        [f"{part[0]}-{part[-1]}"] if len(part) > 2 else [str(seed) for seed in part]
        for part in parts
    )
    return ", ".join(text for texts in written for text in texts)


class SeedsField(forms.CharField):
    """Seeds as a text; the value is a tuple."""

    def to_python(self, value: Any) -> Any:
        return seeds_of(super().to_python(value) or "")


class TagsField(forms.CharField):
    """Tags, separated by commas; the value is a list."""

    def to_python(self, value: Any) -> Any:
        tags = [" ".join(tag.split()) for tag in (super().to_python(value) or "").split(",")]
        return list(dict.fromkeys(filter(None, tags)))

    def validate(self, value: Any) -> None:
        longest = Experiment._meta.get_field("tags").base_field.max_length or 0  # noqa: SLF001
        for tag in value:
            if len(tag) > longest:
                raise ValidationError(f"A tag has at most {longest} characters: “{tag[:20]}…”.")


class QuestionForm(forms.Form):
    """What the experiment is called and what it asks; needed for the launch, not for the plan."""

    name = forms.CharField(
        max_length=Experiment._meta.get_field("name").max_length,  # noqa: SLF001 - public
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    question = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What it should answer, and what you expect.",
    )
    tags = TagsField(required=False, help_text="Separated by commas.")
    priority = forms.IntegerField(
        min_value=-1000, max_value=1000, initial=0, help_text="Higher runs earlier."
    )
    launch_key = forms.UUIDField(widget=forms.HiddenInput)
    cloned_from = forms.ModelChoiceField(
        Experiment.objects.only("pk"), required=False, widget=forms.HiddenInput
    )


class SeedsForm(forms.Form):
    """How often each algorithm is trained."""

    seeds = SeedsField(
        initial="0-2",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="One training per algorithm and seed; 0-4 or 0, 1, 7. Three and more give an "
        "interval worth the name.",
    )


class ChoiceForm(forms.Form):
    """One compared group; its hyperparameters are a schema form beside it."""

    label = forms.CharField(
        max_length=80,
        label="Name",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="In legends and tables.",
    )
    algorithm = forms.CharField(widget=forms.HiddenInput)
    source = forms.CharField(widget=forms.HiddenInput)
    preset_id = forms.IntegerField(required=False, widget=forms.HiddenInput)


class CurationForm(forms.Form):
    """One choice among the graded completions; its steps are forms beside it."""

    name = forms.CharField(
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="In legends and tables, where several are compared.",
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, initial=0, help_text="Of its draws."
    )


class AxisForm(forms.Form):
    """One field that takes several values."""

    path = forms.ChoiceField(label="Setting")
    values = forms.CharField(
        label="Values",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Separated by commas; “none” for an empty setting.",
    )

    def __init__(self, *args: Any, choices: Iterable[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["path"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(choices)
