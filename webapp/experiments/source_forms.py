"""What an experiment starts from, and who computes it: the form of its datasets and policies."""

from typing import Any

from django import forms

from webapp.curation.selectors import trainable_jobs, trainable_name
from webapp.datasets.models import Dataset
from webapp.datasets.selectors import datasets
from webapp.experiments.forms import SeedsForm
from webapp.jobs.models import Job
from webapp.jobs.selectors import workers_live
from webapp.policies.models import Policy
from webapp.policies.selectors import policies

USUAL_LABELS = ("cpu", "gpu")


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
    reference_policy_id = forms.ModelChoiceField(
        Policy.objects.none(),
        label="Reference policy",
        required=False,
        empty_label="the policy it starts from",
        help_text="What algorithms with a penalty on the divergence, or DPO, stay close to.",
    )
    rollouts_id = RolloutsField(
        Job.objects.none(),
        label="Completions to learn from",
        required=False,
        empty_label="generate and grade new ones",
        help_text="Or a graded or curated set that exists: generated once, trained on often.",
    )
    label = forms.ChoiceField(label="Workers", help_text="Who computes the jobs.")
    evaluate_checkpoints = forms.BooleanField(
        label="Evaluate every kept policy",
        required=False,
        help_text="Those that a training keeps on its way (keep every, among the training "
        "settings), on all held-out problems, each in a job of its own. May be asked for later, "
        "by a clone: the trainings are the same.",
    )
    field_order = (
        "dataset_id",
        "policy_id",
        "reference_policy_id",
        "rollouts_id",
        "eval_dataset_id",
        "benchmarks",
        "seeds",
        "label",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("dataset_id", "eval_dataset_id", "benchmarks"):
            self._choose(name, datasets(family="prompts").defer("job__spec"))
        for name in ("policy_id", "reference_policy_id"):
            self._choose(name, policies(family="language").defer("job__spec"))
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
