"""Forms of new policies for control."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from algorithms.control_specs import ImportPolicySpec, TrainBehaviourSpec
from algorithms.controllers.entry_point import ENTRY_POINTS_VARIABLE, allowed_entry_points
from algorithms.environments.table import ENVIRONMENTS, POINT_MASS
from webapp.datasets.staging import SUFFIXES_OF, Purpose
from webapp.jobs.selectors import workers_live
from webapp.schema_forms import SchemaForm, schema_form

WAYS = ("train", "scripted", "sb3", "torchscript", "onnx", "entry_point")
"""Ways to a policy for control, by the value of the field `way`."""
FILES: Mapping[str, Purpose] = {"sb3": "sb3", "torchscript": "torchscript", "onnx": "onnx"}
"""Those that take a file."""


def environment_choices() -> list[tuple[str, str]]:
    """Return every environment and how it is called."""
    return [(name, f"{each.title} ({name})") for name, each in ENVIRONMENTS.items()]


class WhereForm(forms.Form):
    """Where the policy acts, and who makes it."""

    environment = forms.ChoiceField(
        choices=environment_choices, help_text="What it observes and what its actions move."
    )
    label = forms.ChoiceField(label="Queue", help_text="Workers with this label make it.")

    def __init__(self, data: QueryDict | None, *, environment: str = "") -> None:
        chosen = environment if environment in ENVIRONMENTS else POINT_MASS
        super().__init__(data, initial={"environment": chosen, "label": "cpu"})
        labels = {"cpu"} | {label for worker in workers_live() for label in worker.labels}
        self.fields["label"].choices = [(label, label) for label in sorted(labels)]  # type: ignore[attr-defined]


class ScriptedForm(forms.Form):
    """A controller that is written down."""

    controller = forms.ChoiceField(
        help_text="random draws actions uniformly and acts in every environment; the others know "
        "one: " + "; ".join(
            f"{', '.join(name.replace('_', ' ') for name in each.scripted)} ({each.title})"
            for each in ENVIRONMENTS.values() if each.scripted
        ) + ".",
    )  # fmt: skip

    def __init__(self, data: QueryDict | None) -> None:
        super().__init__(data, prefix="scripted")
        known = {name: None for each in ENVIRONMENTS.values() for name in each.scripted}
        choices = [(name, name.replace("_", " ")) for name in ("random", *known)]
        self.fields["controller"].choices = choices  # type: ignore[attr-defined]


class FileForm(forms.Form):
    """A file from the person's computer, one that waits here already, or one on the worker."""

    file = forms.FileField(required=False, error_messages={"empty": "The file is empty (0 bytes)."})
    staged = forms.CharField(required=False, widget=forms.HiddenInput())
    path = forms.CharField(
        required=False,
        label="Or its path on the worker",
        help_text="Under one of the folders that the administrator allows (LAB_MODEL_ROOTS).",
    )
    normalisation = forms.FileField(
        required=False,
        label="vecnormalize.pkl",
        help_text="Where the policy was trained with VecNormalize. Only numbers are read from it.",
        error_messages={"empty": "The file is empty (0 bytes)."},
    )
    normalisation_staged = forms.CharField(required=False, widget=forms.HiddenInput())
    normalisation_path = forms.CharField(
        required=False, label="Or the path of the vecnormalize.pkl on the worker"
    )

    def __init__(self, way: str, data: QueryDict | None, files: Any = None) -> None:
        super().__init__(data, files, prefix=way)
        suffixes = SUFFIXES_OF[FILES[way]]
        self.fields["file"].widget.attrs["accept"] = ",".join(suffixes)
        self.fields["file"].help_text = HELP[way]
        self.fields["normalisation"].widget.attrs["accept"] = ".pkl"
        if way != "sb3":
            for name in ("normalisation", "normalisation_staged", "normalisation_path"):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """Require one of file, staged file and path."""
        cleaned = super().clean() or self.cleaned_data
        given = any(cleaned.get(name) for name in ("file", "staged", "path"))
        if not given and "file" not in self.errors:
            self.add_error("file", "Choose a file, or name the path of one.")
        return cleaned


HELP = {
    "sb3": "The .zip that model.save() of Stable-Baselines3 writes (SAC, TQC, TD3, DDPG, PPO, A2C "
    "with perceptrons). Only its tensors are read; a file that carries objects is refused.",
    "torchscript": "torch.jit.script(policy).save(path): observations [n, O] in, actions [n, A] "
    "in the environment's units out.",
    "onnx": "torch.onnx.export(policy, ...): observations [n, O] in, actions [n, A] in the "
    "environment's units out, weights in the same file.",
}


class EntryPointForm(forms.Form):
    """A Python function."""

    entry_point = forms.CharField(
        label="Function",
        help_text="As package.module:function. It gets the environment's name and returns what "
        "turns observations [n, O] into actions [n, A].",
    )

    def __init__(self, data: QueryDict | None) -> None:
        super().__init__(data, prefix="entry_point")
        allowed = allowed_entry_points()
        self.allowed = allowed
        listed = f"Allowed: {', '.join(allowed)}." if allowed else (
            "None is allowed: it would run code on the worker, so the administrator lists "
            f"functions in the variable {ENTRY_POINTS_VARIABLE}."
        )  # fmt: skip
        field = self.fields["entry_point"]
        field.help_text = f"{field.help_text} {listed}"


def train_form(data: QueryDict | None) -> SchemaForm:
    """Return the form of a behaviour training; its environment is asked for beside it."""
    return schema_form(TrainBehaviourSpec, prefix="train", without=("environment",))(data)


def import_spec(source: str, environment: str, **values: str) -> ImportPolicySpec:
    """Return the spec of a policy that is taken in."""
    return ImportPolicySpec.model_validate({"source": source, "environment": environment, **values})
