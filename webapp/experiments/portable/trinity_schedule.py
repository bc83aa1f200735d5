"""Trinity-RFT's schedule of generation and training in our words: the recipe `online`."""

from typing import Any

from webapp.experiments.portable.references import Path
from webapp.experiments.portable.trinity_taken import Taken
from webapp.experiments.recipes import RECIPE_NAMES

ONLINE = "online"
_SCHEDULE = {
    "synchronizer.sync_interval": "sync_interval",
    "synchronizer.sync_offset": "sync_offset",
    "algorithm.sample_strategy_args.max_staleness": "max_staleness",
}
_BUFFER = "buffer.trainer_input.experience_buffer.replay_buffer"
_REPLAY = {
    "reuse_cooldown_time": "reuse_cooldown",
    "priority_fn_args.decay": "priority_decay",
    "priority_fn_args.sigma": "priority_noise",
    "priority_fn_args.use_count_limit": "use_limit",
}
_SETTINGS: Path = ("config", "recipe_settings")


def schedule_of(taken: Taken) -> dict[str, Any]:
    """Return the recipe and its settings; offline where the file has no schedule."""
    given = [path for path in _SCHEDULE if taken.peek(path) is not None]
    for path in ("synchronizer.sync_method", "synchronizer.sync_timeout"):
        taken(path)
    if not given:
        return {}
    if ONLINE not in RECIPE_NAMES:
        for path in given:
            taken.note(path, "this installation has no recipe that generates while it trains")
        return {}
    if (style := taken("synchronizer.sync_style", "fixed")) != "fixed":
        taken.note("synchronizer.sync_style", f"{style}: intervals are fixed here")
    taken("algorithm.sample_strategy")
    settings = {
        name: taken(path, to=(*_SETTINGS, name))
        for path, name in _SCHEDULE.items()
        if path in given
    }
    if (tasks := taken.peek("buffer.batch_size")) is not None:
        settings["prompts_per_step"] = tasks
        taken.origins[*_SETTINGS, "prompts_per_step"] = ("buffer", "batch_size")
    if replay := _replay(taken):
        settings["replay"] = replay
    return {"recipe": ONLINE, "recipe_settings": settings}


def _replay(taken: Taken) -> dict[str, Any]:
    if not taken(f"{_BUFFER}.enable", False):
        return {}
    taken(f"{_BUFFER}.priority_fn")
    found = {
        name: value
        for path, name in _REPLAY.items()
        if (value := taken(f"{_BUFFER}.{path}", to=(*_SETTINGS, "replay", name))) is not None
    }
    return {"buffer": "priority", **found}
