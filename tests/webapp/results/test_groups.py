"""Which runs make one mean, and in which settings groups differ."""

from typing import Any

from webapp.results.groups import GroupBy, config_differences, flatten, group_runs
from webapp.results.rows import ArtifactRow, JobRow, RunRow, SourceRow


def run(number: int, label: str = "TOPR", seed: int = 0, **changes: Any) -> RunRow:
    job = changes.pop("job", number)
    policy = changes.pop("policy", "a")
    steps = changes.pop("steps", 250)
    fields: dict[str, Any] = {
        "id": number,
        "experiment_id": 1,
        "experiment_name": "First",
        "label": label,
        "algorithm": "topr",
        "seed": seed,
        "config": {"train": {"seed": seed, "settings": {"steps": steps}}},
        "train": JobRow(job, "succeeded", None),
        "evaluate": JobRow(job + 100, "succeeded", ArtifactRow(job + 100, "x", "y", {})),
        "sources": {"policy": SourceRow(7, "Tiny Llama", policy)},
    }
    return RunRow(**(fields | changes))


def test_seeds_of_one_configuration_are_one_group() -> None:
    groups = group_runs([run(1, seed=0), run(2, seed=1)], GroupBy.LABEL)
    assert [(group.name, len(group.runs), group.mixed) for group in groups] == [("TOPR", 2, False)]


def test_seeds_of_another_experiment_with_the_same_configuration_join_the_group() -> None:
    (group,) = group_runs(
        [run(1), run(2, seed=1, experiment_id=2, experiment_name="Second")], GroupBy.LABEL
    )
    assert group.seed_keys == (0, 1)


def test_one_computation_that_two_experiments_share_counts_once() -> None:
    (group,) = group_runs([run(1, job=5), run(2, job=5, experiment_id=2)], GroupBy.LABEL)
    assert (len(group.runs), group.shared) == (1, 1)


def test_one_label_for_two_configurations_makes_two_groups_named_by_experiment() -> None:
    groups = group_runs(
        [run(1), run(2, steps=500, experiment_id=2, experiment_name="Second")], GroupBy.LABEL
    )
    assert [group.name for group in groups] == ["TOPR · First", "TOPR · Second"]
    assert [group.variant for group in groups] == [0, 1]


def test_another_policy_makes_another_group_even_with_equal_settings() -> None:
    assert len(group_runs([run(1), run(2, policy="b")], GroupBy.LABEL)) == 2


def test_two_base_policies_are_never_one_mean() -> None:
    base: dict[str, Any] = {"algorithm": "", "train": None, "sources": {}, "config": {}}
    groups = group_runs([run(1, "base", **base), run(2, "base", **base)], GroupBy.LABEL)
    assert [group.name for group in groups] == ["base · First · run 1", "base · First · run 2"]


def test_grouping_by_algorithm_says_when_more_than_seeds_differ() -> None:
    (group,) = group_runs([run(1), run(2, label="TOPR, long", steps=500)], GroupBy.ALGORITHM)
    assert group.mixed
    assert group.name == "Tapered Off-Policy REINFORCE"
    assert group.seed_keys == (-1, -2)  # seed 0 twice: nothing to pair by


def test_without_grouping_every_run_is_by_itself() -> None:
    groups = group_runs([run(1), run(2, seed=1)], GroupBy.RUN)
    assert [group.name for group in groups] == ["TOPR, seed 0", "TOPR, seed 1"]


def test_only_settings_that_differ_are_listed_and_seeds_never() -> None:
    groups = group_runs([run(1, "a"), run(2, "b", seed=3, steps=500, policy="b")], GroupBy.LABEL)
    rows = {one.path: one.values for one in config_differences(groups)}
    assert rows == {"train.settings.steps": ("250", "500")}


def test_what_every_round_repeats_is_listed_once() -> None:
    def chain(number: int, rate: float, share: float) -> RunRow:
        train = {"seed": 0, "settings": {"learning_rate": rate}}
        config = {
            "generate@1": {"top_p": share, "seed": 0},
            "generate@2": {"top_p": share, "seed": number},
            "train@1": train,
            "train": train,
        }
        return run(number, config=config)

    groups = group_runs([chain(1, 0.1, 1.0), chain(2, 0.2, 0.9)], GroupBy.RUN)
    rows = [one.path for one in config_differences(groups)]
    assert rows == ["generate@1.top_p", "train.settings.learning_rate"]


def test_inputs_that_differ_are_named_by_the_job_that_made_them() -> None:
    other = {"policy": SourceRow(8, "Larger Llama", "b")}
    groups = group_runs([run(1), run(2, "b", sources=other)], GroupBy.LABEL)
    (row,) = config_differences(groups)
    assert row.path == "input.policy"
    assert row.values == ("job 7: Tiny Llama", "job 8: Larger Llama")


def test_settings_are_flattened_to_dotted_paths() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": None}) == {"a.b.c": 1, "d": None}
