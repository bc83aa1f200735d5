"""Stop texts: seen when their last token comes in, however it is cut into tokens."""

from types import SimpleNamespace

import pytest

from algorithms.training.policy import Policy
from algorithms.training.stops import Watch, readable


class Bytes:
    """A tokenizer whose tokens are pieces of UTF-8, as byte-level tokenizers have them."""

    PIECES = (b"</s>", b"a", b"b", b"\n", b"\n\n", b"Q:", b"b\nQ", b":", b"\xe2\x82", b"\xac", b"Q")

    def decode(self, ids: list[int], **_: object) -> str:
        return b"".join(self.PIECES[token] for token in ids).decode(errors="replace")


POLICY = Policy(SimpleNamespace(), Bytes(), end_tokens=frozenset({0}), max_tokens=99)


def first_stop(tokens: list[int], stop: tuple[str, ...]) -> int | None:
    watch = Watch(POLICY, stop)
    seen = (
        number
        for number in range(len(tokens))
        if watch.stops(tokens[max(0, number + 1 - watch.tail) : number + 1])
    )
    return next(seen, None)


@pytest.mark.parametrize(
    ("tokens", "at", "text"),
    [
        ([1, 3, 5, 1], 2, "a"),
        ([1, 6, 7], 2, "ab"),
        ([1, 3, 10, 7], 3, "a"),
        ([1, 5, 2], None, "aQ:b"),
        ([3, 5], 1, ""),
    ],
)
def test_a_text_is_found_across_tokens_that_begin_before_it(
    tokens: list[int], at: int | None, text: str
) -> None:
    assert first_stop(tokens, ("\nQ:",)) == at
    assert readable(POLICY, tokens, ("\nQ:",)) == text


def test_the_earliest_of_several_counts() -> None:
    assert first_stop([1, 2, 4, 5], ("Q:", "\n\n")) == 2
    assert readable(POLICY, [1, 2, 4, 5], ("Q:", "\n\n")) == "ab"


def test_a_character_cut_into_two_tokens_is_found_when_it_is_whole() -> None:
    assert first_stop([1, 8, 9, 2], ("€",)) == 2
    assert readable(POLICY, [1, 8, 9], ("€",)) == "a"


def test_the_end_of_sequence_is_no_text() -> None:
    assert readable(POLICY, [1, 2, 0], ()) == "ab"
    assert readable(POLICY, [1, 2, 0], ("s",)) == "ab"
