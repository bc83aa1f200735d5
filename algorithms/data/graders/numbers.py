"""Numbers as people write them, in one canonical form; digits are compared, never evaluated.

So a number of a million digits costs no more than reading it.
"""

import re
from fractions import Fraction

MAX_FRACTION_DIGITS = 100
"""Longer fractions are not reduced."""
NUMBER = re.compile(
    r"(?P<sign>[-+\u2212]?)\s?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?P<part>\.\d+)?"
    r"(?P<exponent>[eE][-+]?\d+)?(?:\s?/\s?(?P<below>\d+))?",
    re.ASCII,
)
_LINE = 400
"""Characters after a marker in which the number must begin."""


def first_number(text: str) -> str | None:
    """Return the first number of the first line that says something, in canonical form."""
    line = text[:_LINE].lstrip().partition("\n")[0]
    start = re.search(r"[-+\u2212]?\s?[$\u20ac\u00a3]?\s?\.?[0-9]", line)
    if start is None:
        return None
    rest = text.lstrip()[start.start() :]
    found = NUMBER.match(re.sub(r"^([-+\u2212]?)\s?[$\u20ac\u00a3]\s?", r"\1", rest))
    return canonical_match(found) if found else None


def last_number(text: str) -> str | None:
    """Return the last number of a text in canonical form."""
    last = None
    for found in re.finditer(r"-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|-?\.\d+", text):
        last = found[0]
    return canonical(last) if last else None


def canonical(text: str) -> str | None:
    """Return a text that is one number in canonical form: 1,234.50 is 1234.5, 2/4 is 0.5."""
    found = NUMBER.fullmatch(text.strip())
    return canonical_match(found) if found else None


def canonical_match(found: re.Match[str]) -> str | None:
    """Return a match of NUMBER in canonical form; None where it has no digits or an exponent."""
    whole, part, below = found["whole"], found["part"], found["below"]
    if (whole is None and part is None) or found["exponent"]:
        return None
    negative = found["sign"] in {"-", "\u2212"}
    digits = (whole or "0").replace(",", "").lstrip("0") or "0"
    decimals = (part or ".")[1:].rstrip("0")
    plain = f"{digits}.{decimals}" if decimals else digits
    if below is not None:
        if len(plain) + len(below) > MAX_FRACTION_DIGITS or not below.strip("0"):
            return None
        plain = written(Fraction(plain) / int(below))
    return f"-{plain}" if negative and plain != "0" else plain


def written(value: Fraction) -> str:
    """Return a fraction as a decimal where it ends, else as numerator/denominator."""
    left = value.denominator
    places = 0
    while left % 10 == 0 or left % 5 == 0 or left % 2 == 0:
        left //= 10 if left % 10 == 0 else 5 if left % 5 == 0 else 2
        places += 1
    if left != 1:
        return f"{value.numerator}/{value.denominator}"
    scaled = abs(value.numerator) * 10**places // value.denominator
    digits = str(scaled).rjust(places + 1, "0")
    text = digits[: len(digits) - places] + "." + digits[len(digits) - places :]
    return ("-" if value < 0 else "") + text.rstrip("0").rstrip(".")


def value(text: str) -> Fraction | None:
    """Return the value of a canonical number that is short enough to compute with."""
    if len(text) > MAX_FRACTION_DIGITS or not re.fullmatch(r"-?\d+(\.\d+|/\d+)?", text, re.ASCII):
        return None
    return Fraction(text)


def close(given: Fraction, expected: Fraction, tolerance: float) -> bool:
    """Whether two numbers are equal, or, unless both are whole, within a relative tolerance."""
    if given == expected:
        return True
    if given.denominator == 1 and expected.denominator == 1:
        return False
    return abs(given - expected) <= Fraction(tolerance) * abs(expected)
