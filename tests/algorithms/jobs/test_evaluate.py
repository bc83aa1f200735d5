"""An evaluate job: every outcome is kept, and the figures are counts of them."""

import pyarrow.parquet as pq
import pytest

from algorithms.base import Stopped
from algorithms.data.tables import OUTCOMES
from algorithms.evaluation.outcomes import Statistics
from algorithms.specs import EvaluateSpec
from tests.algorithms.training.world import SAMPLING, Recorder, World


def test_figures_are_shares_of_the_stored_outcomes(world: World) -> None:
    spec = EvaluateSpec(samples=3, sampling=SAMPLING)
    summary = world.run("e", "evaluate", spec, policy="policy", dataset="dataset")
    path = world.folder / "e" / "outcomes.parquet"
    assert pq.read_schema(path).equals(OUTCOMES)
    outcomes = pq.read_table(path).to_pylist()
    assert [row["sample"] for row in outcomes] == [-1, 0, 1, 2] * 12
    greedy = [row for row in outcomes if row["sample"] == -1]
    sampled = [row for row in outcomes if row["sample"] >= 0]

    def share(rows: list[dict[str, object]], value: str, column: str = "grade") -> float:
        return sum(row[column] == value for row in rows) / len(rows)

    solved = {row["prompt_id"] for row in sampled if row["grade"] == "correct"}
    assert {name: value for name, value in summary.items() if name != "maj_at_n"} == {
        "problems": 12,
        "samples": 3,
        "greedy_accuracy": pytest.approx(share(greedy, "correct")),
        "pass_at_1": pytest.approx(share(sampled, "correct")),
        "pass_at_n": pytest.approx(len(solved) / 12),
        "invalid_share": pytest.approx(share(sampled, "invalid")),
        "cut_off_share": pytest.approx(share(sampled, "length", "finish_reason")),
        "repetitive_share": 0.0,
        "tokens_mean": pytest.approx(sum(row["n_tokens"] for row in sampled) / 36),
    }
    assert 0 <= float(summary["maj_at_n"]) <= float(summary["pass_at_n"])


def test_the_statistics_beside_the_outcomes_agree_with_the_summary(world: World) -> None:
    spec = EvaluateSpec(samples=3, sampling=SAMPLING)
    summary = world.run("e", "evaluate", spec, policy="policy", dataset="dataset")
    found = Statistics.model_validate_json((world.folder / "e" / "statistics.json").read_bytes())
    assert [one.k for one in found.pass_at_k] == [1, 2, 3]
    assert found.pass_at_k[0].value == pytest.approx(summary["pass_at_1"])
    assert found.pass_at_k[-1].value == pytest.approx(summary["pass_at_n"])
    assert found.maj_at_k[-1].value == pytest.approx(summary["maj_at_n"])
    assert [one.over for one in found.maj_at_k] == ["completions", "completions", "questions"]
    assert sum(found.correct_counts) == 12


def test_without_samples_only_the_greedy_accuracy_is_known(world: World) -> None:
    spec = EvaluateSpec(samples=0, problems=5, sampling=SAMPLING)
    summary = world.run("e", "evaluate", spec, policy="policy", dataset="dataset")
    assert set(summary) == {"problems", "samples", "greedy_accuracy"}
    assert pq.read_table(world.folder / "e" / "outcomes.parquet").num_rows == 5


def test_an_evaluation_stops_when_it_is_asked_to(world: World) -> None:
    with pytest.raises(Stopped):
        world.run(
            "e",
            "evaluate",
            EvaluateSpec(sampling=SAMPLING),
            policy="policy",
            dataset="dataset",
            reporter=Recorder(stop_after=0),
        )
