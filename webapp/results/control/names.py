"""Names that tell policies, corrections and settings apart, as short as they can be. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from algorithms.catalogue import CORRECTIONS
from webapp.results.control.comparison import NOISE, Variant, correction_title, corrects
from webapp.results.groups import as_text

POLICY, DATASET = "policy", "data set"
"""Axes beside the settings."""
_SHOWN = ("train.params.", "train.settings.", "evaluate.", "score.", "inverse_dynamics.")
_FIRST = ("noise_level", "action_gain", "state_gain", "steps")
"""Settings of a correction in the order in which they are offered."""
_WORDS = {NOISE: "noise on actions", POLICY: "policy", DATASET: "data set"}


def differing(settings: Sequence[Mapping[str, Any]], wanted: Callable[[str], bool]) -> list[str]:
    """Return for each of several settings where it differs from others: "steps = 5"."""
    paths = sorted({path for one in settings for path in one if wanted(path) and is_shown(path)})
    varied = [p for p in paths if len({_key(one.get(p)) for one in settings}) > 1]
    return [
        ", ".join(f"{words_of(p)} = {as_text(one[p])}" for p in varied if p in one)
        for one in settings
    ]


def is_shown(path: str) -> bool:
    """Return whether a setting is one that people choose."""
    return path.startswith(_SHOWN) and path not in {"evaluate.seed", "evaluate.correction"}


def words_of(path: str) -> str:
    """Return a setting in words: the last part of its path."""
    if path in _WORDS:
        return _WORDS[path]
    words = path.rpartition(".")[2].replace("_", " ")
    return f"correction: {words}" if corrects(path) and "params" in path else words


def subject_names(variants: Sequence[Variant]) -> dict[str, str]:
    """Return a name for each policy, by `Variant.subject`: what is corrected, and on which data."""
    firsts = {variant.subject: variant for variant in reversed(variants)}
    ordered = {v.subject: firsts[v.subject] for v in variants}
    several = len({one.dataset for one in ordered.values() if one.dataset}) > 1
    plain = [
        f"{one.policy} · {one.dataset}" if several and one.dataset else one.policy
        for one in ordered.values()
    ]
    settings = [one.settings for one in ordered.values()]
    names = told_apart(plain, settings, lambda path: not corrects(path))
    return dict(zip(ordered, names, strict=True))


def told_apart(
    names: Sequence[str],
    settings: Sequence[Mapping[str, Any]],
    wanted: Callable[[str], bool],
) -> list[str]:
    """Return names; behind equal ones, in which settings they differ."""
    found = list(names)
    for name in set(names):
        places = [place for place, one in enumerate(names) if one == name]
        texts = differing([settings[place] for place in places], wanted)
        for place, text in zip(places, texts, strict=True):
            found[place] = f"{name}, {text}" if text else name
    return found


def correction_names(variants: Sequence[Variant]) -> dict[int, str]:
    """Return a name for how each variant is corrected, by its key."""
    told = differing(
        [
            {p: v for p, v in one.settings.items() if corrects(p)}
            for one in variants
            if one.correction
        ],
        lambda path: path != "evaluate.correction",
    )
    texts = iter(told)
    return {
        one.key: _with(correction_title(one.correction), next(texts) if one.correction else "")
        for one in variants
    }


def _with(name: str, text: str) -> str:
    return f"{name} ({text.replace('correction: ', '')})" if text else name


def axes_of(variants: Sequence[Variant]) -> list[str]:
    """Return the settings that take several values among variants, the correction's first."""
    paths = {path for one in variants for path in one.settings if is_shown(path)}
    varied = [path for path in paths if len(_distinct(variants, path)) > 1]
    beside = [axis for axis in (POLICY, DATASET) if len(_distinct(variants, axis)) > 1]
    return sorted(varied, key=_rank) + beside


def _distinct(variants: Sequence[Variant], path: str) -> set[str]:
    return {_key(value) for one in variants if (value := at(one, path)) is not None}


def at(variant: Variant, axis: str) -> Any:
    """Return where a variant stands on an axis; None where it has no such setting."""
    if axis == POLICY:
        return variant.policy
    if axis == DATASET:
        return variant.dataset or None
    return variant.settings.get(axis)


def _rank(path: str) -> tuple[int, int, str]:
    name = path.rpartition(".")[2]
    own = "correction_params" in path
    return (0 if own else 1, _FIRST.index(name) if own and name in _FIRST else len(_FIRST), path)


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def short_correction(name: str) -> str:
    """Return a correction in a word: CDSA."""
    return CORRECTIONS[name].title.partition(",")[0] if name in CORRECTIONS else name
