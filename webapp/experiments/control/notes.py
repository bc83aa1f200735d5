"""What to read before an experiment of the control laboratory is launched; pure."""

from algorithms.evaluation.risk import FEWEST_FOR_TAILS
from webapp.experiments.control.applying import groups
from webapp.experiments.control.config import ControlConfig
from webapp.experiments.control.setting import setting_of


def notes(config: ControlConfig) -> list[str]:
    """Return sentences to read before a launch."""
    found = []
    episodes = config.axes.get("evaluate.episodes", (config.evaluate.episodes,))
    fewest = min(one for one in episodes if isinstance(one, int))
    if fewest < FEWEST_FOR_TAILS:
        found.append(
            f"VaR and CVaR of {fewest} episodes say next to nothing: play at least "
            f"{FEWEST_FOR_TAILS}."
        )
    if "tuning" in config.axes.get("evaluate.purpose", (config.evaluate.purpose,)):
        found.append(
            "These are tuning episodes: settings are chosen by them. Tables show reporting "
            "episodes only, so launch the chosen settings again with the purpose reporting."
        )
    return found + _levels_outside(config)


def _levels_outside(config: ControlConfig) -> list[str]:
    """Return a sentence for each noise level of a correction that the score never saw."""
    low, high = config.score.params.level_min, config.score.params.level_max
    levels = {
        float(level)
        for group in groups(config)
        if group.correction.correction
        for level in [setting_of(config, group).correction_params.get("noise_level")]
        if level is not None
    }
    outside = sorted(level for level in levels if not low <= level <= high)
    return [
        f"The correction's noise level {level:g} lies outside those that the score network "
        f"learns ({low:g} to {high:g})."
        for level in outside
    ]
