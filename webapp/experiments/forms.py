"""Fields of the New experiment page that no schema declares: sources, seeds, labels, axes."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from webapp.curation.selectors import trainable_jobs, trainable_name
from webapp.datasets.models import Dataset
from webapp.datasets.selectors import datasets
from webapp.experiments.curations import NAME_LENGTH
from webapp.experiments.models import Experiment
from webapp.jobs.models import Job
from webapp.jobs.selectors import workers_live
from webapp.policies.models import Policy
from webapp.policies.selectors import policies

MAX_SEEDS = 100
USUAL_LABELS = ("cpu", "gpu")


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


class RolloutsField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A graded or curated set of completions, under the name that it was given."""

    def label_from_instance(self, job: Job) -> str:
        """Return how the set is called and how much it holds."""
        return trainable_name(job)


class SourcesForm(SeedsForm):
    """What the experiment starts from, and who computes it."""

    dataset_id = forms.ModelChoiceField(
        Dataset.objects.none(),
        label="Dataset",
        empty_label=None,
        help_text="Its prompts are completed and learnt from.",
    )
    eval_dataset_id = forms.ModelChoiceField(
        Dataset.objects.none(),
        label="Evaluation dataset",
        required=False,
        empty_label="the same dataset",
        help_text="Where the held-out problems come from.",
    )
    benchmarks = forms.ModelMultipleChoiceField(
        Dataset.objects.none(),
        label="Further benchmarks",
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 3}),
        help_text="Every run is evaluated on their problems as well, in the same way and split.",
    )
    policy_id = forms.ModelChoiceField(
        Policy.objects.none(),
        label="Policy",
        empty_label=None,
        help_text="It writes the completions, and every training starts from it.",
    )
    rollouts_id = RolloutsField(
        Job.objects.none(),
        label="Completions to learn from",
        required=False,
        empty_label="generate and grade new ones",
        help_text="Or a graded or curated set that exists: generated once, trained on often.",
    )
    label = forms.ChoiceField(label="Workers", help_text="Who computes the jobs.")
    field_order = (
        "dataset_id",
        "policy_id",
        "rollouts_id",
        "eval_dataset_id",
        "benchmarks",
        "seeds",
        "label",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("dataset_id", "eval_dataset_id", "benchmarks"):
            self._choose(name, datasets().defer("job__spec"))
        self._choose("policy_id", policies().defer("job__spec"))
        self._choose("rollouts_id", trainable_jobs())
        wanted = self.data.get("label") or self.initial.get("label") or ""
        self._choice("label").choices = label_choices(wanted)

    def _choose(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # several choices are one of these
        field.queryset = rows

    def _choice(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        return field


def label_choices(wanted: str = "") -> list[tuple[str, str]]:
    """Return labels with how many live workers serve each, the wanted one included."""
    serving = [label for worker in workers_live() for label in worker.labels]
    labels = dict.fromkeys((*USUAL_LABELS, *sorted(set(serving)), *filter(None, [wanted])))
    return [(label, f"{label}: {_workers(serving.count(label))}") for label in labels]


def _workers(number: int) -> str:
    if number == 0:
        return "no live worker"
    return "1 live worker" if number == 1 else f"{number} live workers"


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
