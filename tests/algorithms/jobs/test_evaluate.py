"""An evaluate job: every outcome is kept, and the figures are counts of them."""

import pyarrow.parquet as pq
import pytest

from algorithms.base import Stopped
from algorithms.data.tables import OUTCOMES
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

    def share(rows: list[dict[str, object]], grade: str) -> float:
        return sum(row["grade"] == grade for row in rows) / len(rows)

    assert summary == {
        "problems": 12,
        "samples": 3,
        "greedy_accuracy": pytest.approx(share(greedy, "correct")),
        "pass_at_1": pytest.approx(share(sampled, "correct")),
        "invalid_share": pytest.approx(share(sampled, "invalid")),
        "tokens_mean": pytest.approx(sum(row["n_tokens"] for row in sampled) / 36),
    }


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
