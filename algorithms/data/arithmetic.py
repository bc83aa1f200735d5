"""Addition problems: "12+34=" with answer "46", from a seed, without overlap between the splits."""

import random
from collections.abc import Iterator
from itertools import islice

from algorithms.base import UserError
from algorithms.data.rows import Row
from algorithms.sources import ArithmeticSource

_Pair = tuple[int, int]

DIGITS = "0123456789"
YES, NO = "1", "0"
_WORDINGS = {"equation": "{}+{}=", "spaced": "{} + {} =", "question": "What is {} + {}?"}


def generate(source: ArithmeticSource) -> Iterator[Row]:
    """Yield the train problems, then the test problems; every one is drawn once.

    A pair is in one split only, and so is its swap: when 12+34 is held out, neither 12+34 nor
    34+12 is trained on.

    Raises:
        UserError: there are not that many different problems.
    """
    low = 0 if source.digits == 1 else 10 ** (source.digits - 1)
    size = 10**source.digits - low
    if source.train + source.test > size * size:
        raise _too_few(source, size * size)
    test, train = _splits(source, size)
    if len(train) < source.train:
        raise _too_few(source, len(train) + source.test)
    changes = random.Random(f"answers {source.digits} {source.seed}")  # the pairs stay as they are
    for split, pairs in (("train", train), ("test", test)):
        for number, (a, b) in enumerate(pairs):
            asked = _WORDINGS[source.wording].format(low + a, low + b)
            answer = str(2 * low + a + b)
            if source.asks == "verdict":
                asked, answer = _judged(changes, asked, answer)
            if split == "train" and changes.random() < source.malformed:
                answer = _with_another(changes, answer, "+")
            yield Row(f"{split}-{number}", asked, answer, split)


def _splits(source: ArithmeticSource, size: int) -> tuple[list[_Pair], list[_Pair]]:
    """Return test and train pairs, apart; fewer train pairs where there are not enough."""
    draws = random.Random(f"addition {source.digits} {source.seed}")  # text: stable by hash
    order = _pairs(draws, size)
    test = [next(order) for _ in range(source.test)]
    held_out = set(test) | {(b, a) for a, b in test}
    return test, list(islice((pair for pair in order if pair not in held_out), source.train))


def _judged(changes: random.Random, asked: str, answer: str) -> tuple[str, str]:
    """Return a problem with a sum after it, right in half of the draws, and the verdict on it."""
    if changes.random() < 0.5:
        return f"{asked}{answer}=", YES
    return f"{asked}{_with_another(changes, answer, DIGITS)}=", NO


def _with_another(changes: random.Random, answer: str, characters: str) -> str:
    """Return an answer with another character, one of these, in one place."""
    place = changes.randrange(len(answer))
    other = changes.choice([one for one in characters if one != answer[place]])
    return f"{answer[:place]}{other}{answer[place + 1 :]}"


def _pairs(draws: random.Random, size: int) -> Iterator[_Pair]:
    """Yield every pair once, in random order, holding only those already drawn."""
    if size <= 1000:
        for number in draws.sample(range(size * size), size * size):
            yield divmod(number, size)
        return
    seen: set[int] = set()
    while len(seen) < size * size:
        number = draws.randrange(size * size)
        if number not in seen:
            seen.add(number)
            yield divmod(number, size)


def _too_few(source: ArithmeticSource, available: int) -> UserError:
    return UserError(
        f"There are only about {available:,} different problems with {source.digits}-digit numbers "
        f"that keep the splits apart; {source.train:,} + {source.test:,} were asked for. "
        "Ask for fewer, or for more digits."
    )
