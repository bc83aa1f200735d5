"""Positives per prompt before and after curation."""

from webapp.results.figures import curated_positives


def test_both_histograms_cover_the_same_numbers_of_positives() -> None:
    drawn = curated_positives.draw((1, 2, 3), (4, 5))
    before, after = drawn.data
    assert (before.name, list(before.x), list(before.y)) == ("before", [0, 1, 2], [1, 2, 3])
    assert (after.name, list(after.x), list(after.y)) == ("after", [0, 1, 2], [4, 5, 0])


def test_steps_without_a_result_leave_what_was_before() -> None:
    assert [trace.name for trace in curated_positives.draw((1, 2), None).data] == ["before"]


def test_without_prompts_nothing_is_drawn() -> None:
    assert not curated_positives.draw((), ()).data
