r"""A list of short texts as lines that a person types: \n, \t and \\ stand for what they say."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator

_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}


def texts_of(lines: object) -> object:
    """Return the texts of typed lines, empty lines left out; anything but a text as it is."""
    if not isinstance(lines, str):
        return lines
    found = (re.sub(r"\\[nt\\]", lambda m: _ESCAPES[m[0]], line) for line in lines.splitlines())
    return tuple(text for text in found if text)


def lines_of(texts: Iterable[str]) -> str:
    """Return the lines that a person would type for these texts."""
    return "\n".join(_escaped(text) for text in texts)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


Texts = Annotated[tuple[str, ...], BeforeValidator(texts_of)]
"""The type of a setting that holds several texts; forms and flags give it as lines."""
