"""What a completion says after a marker such as "The answer is"."""

import re
from functools import lru_cache


@lru_cache(maxsize=64)
def _pattern(marker: str) -> re.Pattern[str]:
    words = r"\s+".join(map(re.escape, marker.split()))
    return re.compile(words, re.IGNORECASE)


def after_first(text: str, marker: str) -> str | None:
    """Return what follows the first marker, capitals aside; None where there is none."""
    found = _pattern(marker).search(text)
    return text[found.end() :] if found else None
