"""Roles: what a job is to a run, read from its text."""

import pytest

from webapp.experiments.roles import (
    Role,
    current_training,
    differs_by_seed,
    in_round,
    is_further,
    is_own,
    is_training,
    parse,
)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("train", Role("train")),
        ("evaluate:12", Role("evaluate", dataset=12)),
        ("generate@3", Role("generate", round=3)),
        ("evaluate:12@2", Role("evaluate", dataset=12, round=2)),
    ],
)
def test_a_role_is_taken_apart_and_written_again(text: str, role: Role) -> None:
    assert parse(text) == role
    assert str(role) == text


def test_an_evaluation_of_a_round_keeps_its_dataset() -> None:
    assert in_round("evaluate:12", 2) == "evaluate:12@2"


@pytest.mark.parametrize("role", ["train", "evaluate:3", "train@1", "generate@2", "curate@10"])
def test_trainings_evaluations_and_later_rounds_belong_to_a_run(role: str) -> None:
    assert is_own(role)


@pytest.mark.parametrize("role", ["generate", "grade", "curate", "generate@1", "dataset"])
def test_what_comes_before_the_first_training_serves_several_runs(role: str) -> None:
    assert not is_own(role)


def test_a_benchmark_is_an_evaluation_with_a_dataset() -> None:
    assert [is_further(role) for role in ("evaluate", "evaluate:1", "evaluate:1@2")] == [
        False,
        True,
        True,
    ]


def test_trainings_are_found_in_every_round() -> None:
    assert [is_training(role) for role in ("train", "train@12", "evaluate@1")] == [
        True,
        True,
        False,
    ]


def test_only_seeds_of_a_runs_own_jobs_follow_from_its_seed() -> None:
    yes = ("train.seed", "train@1.seed", "generate@2.seed", "curate@3.seed")
    no = ("generate.seed", "generate@1.seed", "evaluate.seed", "evaluate@2.seed", "train.steps")
    assert all(map(differs_by_seed, yes))
    assert not any(map(differs_by_seed, no))


def test_the_training_that_a_run_is_at_is_the_first_unfinished_one() -> None:
    done = {"evaluate": False, "train": False, "train@10": False, "train@2": False, "train@1": True}
    assert current_training(done) == ("train@2", "2 of 4")
    assert current_training({**done, "train@2": True}) == ("train@10", "3 of 4")


def test_a_finished_run_is_at_its_last_training() -> None:
    assert current_training({"train": True, "train@1": True}) == ("train", "2 of 2")


def test_one_round_has_no_number_and_no_training_no_role() -> None:
    assert current_training({"train": False, "evaluate": False}) == ("train", "")
    assert current_training({"evaluate": True}) == ("", "")
