"""Results by iteration: what a run of several rounds becomes in curves, table, plot and file."""

import csv
import io
from dataclasses import dataclass

import pyarrow as pa
import pytest
from django.test import Client
from django.urls import reverse

from tests.webapp.results import made
from webapp.experiments.models import Experiment, Run
from webapp.jobs.models import Job
from webapp.results.choice import Choice
from webapp.results.compare import Comparison, load, points
from webapp.results.iterations import by_iteration_figure, iteration_table
from webapp.results.rows import Points, Totals, joined, points_of
from webapp.results.statistics import mean_ci

pytestmark = pytest.mark.django_db
SUMMARY = {"steps": 4, "samples": 512, "tokens": 1600, "seconds": 0.84}


@dataclass
class Chain:
    """A run of several iterations and its jobs."""

    run: Run
    trainings: list[Job]
    evaluations: list[Job]


def make_chain(
    experiment: Experiment, policy: Job, *, seed: int, accuracies: tuple[float, ...]
) -> Chain:
    trainings: list[Job] = []
    evaluations: list[Job] = []
    jobs: dict[str, Job] = {}
    for number, accuracy in enumerate(accuracies, start=1):
        train = made.make_job("train", f"Train, iteration {number}")
        made.link(train, policy=trainings[-1] if trainings else policy)
        made.publish(train, {"history.parquet": pa.table({"step": [0]})}, SUMMARY)
        made.make_points(train, {"loss": [float(number)] * 4})
        evaluation = made.make_evaluation(
            train, accuracy=accuracy, seed=10 * number + seed, problems=40
        )
        end = "" if number == len(accuracies) else f"@{number}"
        jobs |= {f"train{end}": train, f"evaluate{end}": evaluation}
        trainings.append(train)
        evaluations.append(evaluation)
    config = made.train_config("topr", seed)
    for number in range(1, len(accuracies)):
        config |= {
            f"{role}@{number}": spec for role, spec in made.train_config("topr", seed).items()
        }
        config[f"generate@{number + 1}"] = {"seed": 1000 * seed + number}
    run = made.make_run(experiment, "TOPR", "topr", seed=seed, config=config, **jobs)
    return Chain(run, trainings, evaluations)


@pytest.fixture
def chains() -> list[Chain]:
    user = made.make_user("grace")
    experiment = Experiment.objects.create(owner=user, name="Iterated", config={})
    policy = made.make_policy()
    base = made.make_evaluation(policy, accuracy=0.28, problems=40)
    run = made.make_run(experiment, "base policy", "", config={}, evaluate=base)
    trained = [
        make_chain(experiment, policy, seed=seed, accuracies=(0.4, 0.5, 0.6)) for seed in (0, 1)
    ]
    return [Chain(run, [], [base]), *trained]


def comparison(chains: list[Chain]) -> Comparison:
    return load(Choice(runs=tuple(chain.run.pk for chain in chains), metric="loss"))


def value(job: Job) -> float:
    return float(job.artifact.summary["pass_at_1"])


def test_seeds_of_a_chain_are_one_group(chains: list[Chain]) -> None:
    found = comparison(chains)
    assert [len(group.runs) for group in found.groups] == [1, 2]
    assert not found.groups[1].mixed


def test_the_final_table_takes_the_last_iteration(chains: list[Chain]) -> None:
    run = comparison(chains).groups[1].runs[0]
    assert run.evaluate is not None
    assert run.evaluate.id == chains[1].evaluations[-1].pk
    assert [one.number for one in run.rounds] == [1, 2, 3]


def test_the_table_has_a_mean_over_runs_for_each_iteration_and_the_policy_of_the_beginning(
    chains: list[Chain],
) -> None:
    table = iteration_table(comparison(chains))
    (row,) = table.rows
    assert table.numbers == [0, 1, 2, 3]
    assert row.means[0] == mean_ci([value(chains[0].evaluations[0])])
    for number in (1, 2, 3):
        values = [value(chain.evaluations[number - 1]) for chain in chains[1:]]
        assert row.means[number] == mean_ci(values)


def test_iterations_that_are_not_evaluated_yet_are_left_out(chains: list[Chain]) -> None:
    last = chains[2].evaluations[-1]
    last.artifact.delete()
    Job.objects.filter(pk=last.pk).update(state="queued")
    found = comparison(chains)
    (row,) = iteration_table(found).rows
    assert row.means[3].n == 1
    assert found.is_live


def test_without_rounds_there_is_no_table() -> None:
    lab = made.make_lab(seeds=(0,), problems=10)
    found = load(Choice(runs=tuple(lab.run_ids)))
    assert iteration_table(found).rows == ()
    assert len(by_iteration_figure(found).data) == 0


def test_the_curve_of_a_run_goes_on_through_its_iterations(chains: list[Chain]) -> None:
    curve = points(comparison(chains))[chains[1].trainings[-1].pk]
    assert curve.steps.tolist() == list(range(12))
    assert curve.samples.tolist() == [128 * step for step in range(12)]
    assert curve.values.tolist() == [1.0] * 4 + [2.0] * 4 + [3.0] * 4
    assert (curve.tokens[1:] > curve.tokens[:-1]).all()


def test_rounds_are_joined_by_what_the_ones_before_took() -> None:
    one = made_points([0, 1], 5.0)
    both = joined([one, one, one], [Totals(2, 20, 200, 1.0), Totals(2, 20, 200, 1.0)])
    assert both.steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert both.seconds.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert both.tokens.tolist() == [0, 100, 200, 300, 400, 500]


def made_points(steps: list[int], at: float) -> Points:
    return points_of([(s, 10 * s, 100 * s, 0.5 * s, at) for s in steps])


def test_the_plot_leads_from_each_dot_to_its_evaluation(chains: list[Chain]) -> None:
    drawn = by_iteration_figure(comparison(chains))
    dots, means = drawn.data
    assert sorted(set(dots.x)) == [0, 1, 2, 3]
    addresses = {row[0] for row in dots.customdata}
    assert reverse("jobs:detail", args=[chains[2].evaluations[1].pk]) in addresses
    assert list(means.x) == [0, 1, 2, 3]


def test_page_and_file_show_the_iterations(chains: list[Chain], ada: Client) -> None:
    runs = ",".join(str(chain.run.pk) for chain in chains)
    shown = ada.get(reverse("results:compare"), {"runs": runs}).content.decode()
    assert 'id="iterations-table"' in shown
    text = ada.get(
        reverse("results:compare_export", args=["iterations.csv"]), {"runs": runs}
    ).content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2 * 4
    assert {row["iteration"] for row in rows} == {"0", "1", "2", "3"}
    first = next(row for row in rows if row["iteration"] == "1" and row["seed"] == "0")
    assert float(first["pass_at_1"]) == value(chains[1].evaluations[0])


def test_the_page_of_other_runs_has_no_iterations(ada: Client) -> None:
    lab = made.make_lab(seeds=(0,), problems=10)
    runs = ",".join(map(str, lab.run_ids))
    shown = ada.get(reverse("results:compare"), {"runs": runs}).content.decode()
    assert "iterations-table" not in shown
