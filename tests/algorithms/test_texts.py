"""Lists of texts, as lines that a person types."""

from hypothesis import given
from hypothesis import strategies as st

from algorithms.asking import Sampling
from algorithms.texts import lines_of, texts_of


@given(
    st.lists(
        st.text(st.characters(codec="ascii", exclude_characters="\r\v\f\x1c\x1d\x1e"), min_size=1)
    )
)
def test_texts_survive_being_shown_and_typed_again(texts: list[str]) -> None:
    assert texts_of(lines_of(texts)) == tuple(texts)


def test_a_new_line_is_written_with_a_backslash() -> None:
    assert Sampling.model_validate({"stop": "\\nQ:\n</s>\n\n"}).stop == ("\nQ:", "</s>")
    assert lines_of(("\nQ:", "a\\n")) == "\\nQ:\na\\\\n"


def test_a_list_is_taken_as_it_is() -> None:
    assert Sampling.model_validate({"stop": ["\\n"]}).stop == ("\\n",)
