"""Files of Trinity-RFT: its names for the REC family, data, model and schedule.

Names and defaults: section 1.5, 2.2 and 2.3 of the specification of arXiv:2509.24203.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from webapp.experiments.portable.references import Path
from webapp.experiments.portable.trinity_losses import algorithm_of
from webapp.experiments.portable.trinity_schedule import schedule_of
from webapp.experiments.portable.trinity_taken import Taken

_SECTIONS = {"algorithm", "buffer", "synchronizer", "explorer", "trainer", "model", "cluster"}
_PLUMBING = ("cluster", "monitor", "project", "group", "checkpoint_root_dir", "log", "service")
"""Sections about machines and trackers: told in one line."""

_SETTINGS = {
    "algorithm.optimizer.lr": "learning_rate",
    "algorithm.optimizer.weight_decay": "weight_decay",
    "algorithm.optimizer.lr_warmup_steps": "warmup_steps",
    "buffer.total_steps": "steps",
    "explorer.eval_interval": "evaluate_every",
    "trainer.save_interval": "checkpoint_every",
    "trainer.grad_clip": "clip_norm",
}
_SAMPLING = ("temperature", "top_p", "top_k")
_TASKS = "buffer.explorer_input.taskset"
_EVALUATED = "buffer.explorer_input.eval_tasksets"


@dataclass(frozen=True)
class Translated:
    """A file of Trinity-RFT in our words."""

    data: dict[str, Any]
    origins: Mapping[Path, Path]
    """Where its parts stood in the original."""
    not_understood: tuple[str, ...]


def is_trinity(data: Mapping[str, Any]) -> bool:
    """Whether a file is one of Trinity-RFT's rather than ours."""
    return "config" not in data and "format" not in data and bool(_SECTIONS & set(data))


def translate(data: Mapping[str, Any]) -> Translated:
    """Return a file in our words, and what of it has no meaning here."""
    taken = Taken(data)
    name = str(taken("name", "") or taken("project", "") or "From Trinity-RFT")
    algorithm = algorithm_of(taken)
    config: dict[str, Any] = {
        "algorithms": [algorithm],
        "settings": _settings(taken),
        **_asking(taken),
        **schedule_of(taken),
    }
    if taken("mode", "both") not in ("both", "train", "colocate"):
        taken.note("mode", "here a run always generates, trains and evaluates")
    if (seed := taken("seed")) is not None:
        config["seeds"] = [seed]
    document = {
        "name": name[:160],
        "datasets": _datasets(taken, config),
        "policies": _policies(taken),
        "config": config,
    }
    return Translated(document, taken.origins, tuple(_notes(taken)))


def _settings(taken: Taken) -> dict[str, Any]:
    found = {
        name: value
        for path, name in _SETTINGS.items()
        if (value := taken(path, to=("config", "settings", name))) is not None
    }
    size = _batch_size(taken)
    if size is not None:
        found["batch_size"] = size
        found["micro_batch_size"] = min(size, 64)
    schedule = taken("algorithm.optimizer.lr_scheduler_type")
    if schedule is not None:
        found["schedule"] = schedule
    if (seen := taken("trainer.ppo_epochs")) not in (None, 1):
        taken.note("trainer.ppo_epochs", f"{seen}: each sample is trained on once a step here")
    return found


def _batch_size(taken: Taken) -> Any:
    """Return completions per update: `train_batch_size`, or tasks times `repeat_times`."""
    to: Path = ("config", "settings", "batch_size")
    direct = taken("buffer.train_batch_size", to=to)
    tasks = taken("buffer.batch_size", to=to)
    repeats = taken.peek("algorithm.repeat_times")
    if direct is not None or not isinstance(tasks, int):
        return direct if direct is not None else tasks
    return tasks * repeats if isinstance(repeats, int) else tasks


def _asking(taken: Taken) -> dict[str, Any]:
    """Return generation and evaluation: completions per prompt and how they are drawn."""
    generate: dict[str, Any] = {}
    repeats = taken("algorithm.repeat_times", to=("config", "generate", "completions"))
    if repeats is not None:
        generate["completions"] = repeats
    longest = taken("model.max_response_tokens")
    drawn = _sampling(taken, f"{_TASKS}.rollout_args", longest)
    held_out = _sampling(taken, f"{_EVALUATED}.0.rollout_args", longest)
    if drawn:
        generate["sampling"] = drawn
    return {"generate": generate, "evaluate": {"sampling": held_out} if held_out else {}}


def _sampling(taken: Taken, path: str, longest: Any) -> dict[str, Any]:
    found = {name: value for name in _SAMPLING if (value := taken(f"{path}.{name}")) is not None}
    if found.get("top_k") == -1:
        found["top_k"] = 0
    return found | ({} if longest is None else {"max_new_tokens": longest})


def _datasets(taken: Taken, config: dict[str, Any]) -> dict[str, Any]:
    """Return the training tasks, and the first evaluation set where it is another one."""
    source = _source(taken, _TASKS)
    if source is None:
        return {}
    tested = _source(taken, f"{_EVALUATED}.0")
    name = str(taken(f"{_TASKS}.name", "") or source["name"])
    config["dataset"] = name
    source["test_split"] = ""
    if tested is None:
        return {name: {"source": source}}
    taken(f"{_EVALUATED}.0.name")
    same = ("name", "subset", "prompt_field", "answer_field")
    if all(tested[key] == source[key] for key in same):
        source["test_split"] = tested["train_split"]
        return {name: {"source": source}}
    config["eval_dataset"] = f"{name}, held out"
    tested |= {"test_split": tested["train_split"], "train_split": ""}
    return {name: {"source": source}, config["eval_dataset"]: {"source": tested}}


def _source(taken: Taken, path: str) -> dict[str, Any] | None:
    place = taken(f"{path}.path")
    if place is None:
        return None
    taken(f"{path}.storage_type")
    return {
        "source": "hub",
        "name": place,
        "subset": taken(f"{path}.subset_name", "") or "",
        "train_split": taken(f"{path}.split", "train"),
        "prompt_field": taken(f"{path}.format.prompt_key", "question"),
        "answer_field": taken(f"{path}.format.response_key", "answer"),
    }


def _policies(taken: Taken) -> dict[str, Any]:
    place = taken("model.model_path")
    if place is None:
        return {}
    place = str(place)
    name = PurePosixPath(place).name or place
    if place.startswith(("/", ".", "~")):
        return {name: {"source": {"source": "path", "path": place}}}
    return {name: {"source": {"source": "hub", "name": place}}}


def _notes(taken: Taken) -> Iterator[str]:
    """Yield what was not understood: each setting, machines and trackers in one line a section."""
    yield from taken.notes
    plumbing: dict[str, int] = {}
    for path, value in taken.left():
        section = path.partition(".")[0]
        if section in _PLUMBING:
            plumbing[section] = plumbing.get(section, 0) + 1
        else:
            yield f"{path} = {value}: this setting has no meaning here."
    for section in plumbing:
        yield f"{section}: machines, folders and trackers are set up elsewhere here."
