r"""LaTeX answers without what only typesets them: \dfrac is \frac, 1{,}000 is 1000, 1/2 is 0.5.

Nothing is evaluated: every rule replaces text, in time proportional to its length.
"""

import re

from algorithms.data.graders.numbers import canonical

_DROPPED = re.compile(
    r"(\\\\)|"  # a line break of a matrix stays
    r"\\(?:left|right|displaystyle|textstyle|limits|big[lr]?|Big[lr]?)(?![A-Za-z])"
    r"|\\[!,;: $]|~|\$|\\(?:quad|qquad)(?![A-Za-z])|\\\(|\\\)"
)
_SPACE = re.compile(r"(\\[A-Za-z]+)\s+(?=[A-Za-z])|\s+")
"""White space, with the command before it where it ends that command: \\pi r is not \\pir."""
_DEGREES = re.compile(r"\^\{?\\circ\}?|\\degree(?![A-Za-z])")
_WRAPPED = re.compile(r"\\(?:text|mathrm|textbf|mathbf|textit|mbox|operatorname|rm)\{([^{}]*)\}")
_UNIT = re.compile(
    r"(?<=[\d}])\s*\\(?:text|mbox|mathrm)\{\s*[A-Za-z][A-Za-z .^23/]*\}(?:\^\{?[23]\}?)?$"
)
_SHORT_FRAC = re.compile(r"\\frac(?:\{([^{}]+)\}|([0-9A-Za-z]))\s*(?:\{([^{}]+)\}|([0-9A-Za-z]))")
_SHORT_SQRT = re.compile(r"\\sqrt\s*([0-9A-Za-z])")
_FRACTION = re.compile(r"(-?)\\frac\{(-?\d+)\}\{(\d+)\}")
_NAMED = re.compile(r"[A-Za-z]\s*=\s*(?=[^=]+$)")


def normal(text: str) -> str:
    """Return an answer in the form in which equal answers are likeliest to be equal texts."""
    text = _UNIT.sub("", _DROPPED.sub(lambda found: found[1] or " ", text).strip())
    text = re.sub(r"\\[dtc]frac(?![A-Za-z])", r"\\frac", text)
    text = _WRAPPED.sub(r" \1 ", _DEGREES.sub("", text))
    text = text.replace("\\%", "").replace("%", "").replace("{,}", ",").replace("\u2212", "-")
    text = _SHORT_SQRT.sub(r"\\sqrt{\1}", _SHORT_FRAC.sub(_long_fraction, text))
    text = _NAMED.sub("", text.strip(), count=1) if _NAMED.match(text.strip()) else text.strip()
    text = _SPACE.sub(lambda found: f"{found[1]} " if found[1] else "", text).rstrip(".")
    return _number(text) or text


def _long_fraction(found: re.Match[str]) -> str:
    top, bottom = found[1] or found[2], found[3] or found[4]
    return f"\\frac{{{top}}}{{{bottom}}}"


def _number(text: str) -> str | None:
    fraction = _FRACTION.fullmatch(text)
    if fraction:
        sign, top, bottom = fraction.groups()
        negative = (sign == "-") != top.startswith("-")
        text = f"{'-' if negative else ''}{top.lstrip('-')}/{bottom}"
    return canonical(text)
