"""Trinity-RFT's schedule of generation and training in our words."""

from typing import Any

from webapp.experiments.portable.trinity_taken import Taken
from webapp.experiments.recipes import RECIPE_NAMES

_NAMES = {
    "synchronizer.sync_interval": "sync_interval",
    "synchronizer.sync_offset": "sync_offset",
    "algorithm.sample_strategy_args.max_staleness": "max_staleness",
}
ONLINE = "online"


def schedule_of(taken: Taken) -> dict[str, Any]:
    """Return the recipe and its settings; offline where the file has no schedule."""
    style = taken("synchronizer.sync_style", "fixed")
    taken("algorithm.sample_strategy")
    for path in ("synchronizer.sync_method", "synchronizer.sync_timeout"):
        taken(path)
    given = [path for path in _NAMES if taken.peek(path) is not None]
    if not given:
        return {}
    if ONLINE not in RECIPE_NAMES:
        for path in given:
            taken.note(path, "this installation has no recipe that generates while it trains")
        return {}
    if style != "fixed":
        taken.note("synchronizer.sync_style", f"{style}: intervals are fixed here")
    settings = {
        name: taken(path, to=("config", "recipe_settings", name))
        for path, name in _NAMES.items()
        if path in given
    }
    return {"recipe": ONLINE, "recipe_settings": settings}
