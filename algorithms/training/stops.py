"""Texts that end a completion: noticed while tokens come in, cut off when it is read."""

from collections.abc import Sequence

from algorithms.training.policy import Policy


def readable(policy: Policy, tokens: Sequence[int], stop: Sequence[str]) -> str:
    """Return the text of a completion, cut before the first stop text in it."""
    text = policy.decode(tokens)
    found = [place for text_of_end in stop if (place := text.find(text_of_end)) >= 0]
    return text[: min(found)] if found else text


class Watch:
    """Tells, token by token, whether a completion has just written a stop text."""

    def __init__(self, policy: Policy, stop: Sequence[str]) -> None:
        self._policy = policy
        self._stop = stop
        # A token holds at least a byte; two more, because a decoder may trim the first one.
        self.tail = max((len(text.encode()) for text in stop), default=0) + 2
        """How many of the newest tokens must be shown."""
        self._may_end: dict[int, bool] = {}

    def stops(self, tokens: Sequence[int]) -> bool:
        """Whether the newest of these tokens completes a stop text."""
        return self._ends(tokens[-1]) and self._holds(tokens)

    def _holds(self, tokens: Sequence[int]) -> bool:
        text = self._policy.decode(tokens)
        return any(end in text for end in self._stop)

    def _ends(self, token: int) -> bool:
        """Whether a token can be the last of a stop text; asked once for each token."""
        known = self._may_end.get(token)
        if known is None:
            text = self._policy.decode([token])
            # A replacement character is part of a character: only whole texts can tell.
            known = "\ufffd" in text or any(end[-1] in text for end in self._stop)
            self._may_end[token] = known
        return known
