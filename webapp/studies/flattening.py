"""Settings in one line of text."""

from collections.abc import Mapping, Sequence
from typing import Any


def flat(values: Mapping[str, Any], above: str = "") -> str:
    """Return settings in one line: "steps 80, sampling.top_k 5"; empty ones are left out."""
    parts = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            inner = flat(value, "" if key == "source" else f"{above}{key}.")
            parts += [inner] if inner else []
        elif value not in (None, ""):
            parts.append(f"{above}{key} {text_of(value)}")
    return ", ".join(parts)


def text_of(value: Any) -> str:
    """Return a value as people write it; lists with slashes."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "/".join(map(text_of, value))
    return str(value)
