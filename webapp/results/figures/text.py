"""Names and texts of people inside plots: shown as they are, never as markup."""

MOST_NAMES = 8
"""Names in a legend; more leave no room for the plot."""
NAMES_ON_HOVER = "Too many for a legend: names are shown under the pointer."

_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "%": "&#37;", "{": "&#123;", "$": "&#36;"}
)


def plain(text: str) -> str:
    """Return a text that Plotly draws letter by letter.

    Plotly reads a few HTML tags in names and hover texts, `%{...}` in templates and TeX between
    dollar signs; as entities these characters are only drawn.
    """
    return text.translate(_ENTITIES)
