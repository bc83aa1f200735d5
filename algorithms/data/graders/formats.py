"""Whether a completion keeps the form that its instructions ask for."""

from collections.abc import Callable, Mapping


def sections(text: str, *tags: str) -> list[str] | None:
    """Return what is in each tag's pair; None unless each occurs once, in order, alone.

    White space may stand between the pairs and around them.
    """
    found: list[str] = []
    rest = text.strip()
    for tag in tags:
        opening, closing = f"<{tag}>", f"</{tag}>"
        if text.count(opening) != 1 or text.count(closing) != 1:
            return None
        if not rest.startswith(opening) or closing not in rest:
            return None
        inside, _, rest = rest[len(opening) :].partition(closing)
        found.append(inside)
        rest = rest.lstrip()
    return found if not rest else None


def within_answer(text: str) -> str:
    """Return what stands in the only answer pair; the whole text where there is no such pair."""
    if text.count("<answer>") != 1 or text.count("</answer>") != 1:
        return text
    return text.partition("<answer>")[2].partition("</answer>")[0]


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "any": lambda _text: True,
    "think_answer": lambda text: sections(text, "think", "answer") is not None,
    "think_tool_call": lambda text: sections(text, "think", "tool_call") is not None,
}
"""By the names that `Grading.format` takes."""
