"""The table of policies and corrections: what is compared with what, and which figures it has."""

from dataclasses import replace

import numpy as np
import pytest

from algorithms.evaluation.risk import RESAMPLES
from tests.webapp.results import made
from tests.webapp.results.control.made import (
    CDSA,
    ControlLab,
    evaluation_spec,
    make_control_lab,
    publish_evaluation,
    returns_of,
)
from webapp.experiments.models import Experiment
from webapp.jobs.models import Job
from webapp.results.control.choice import ControlChoice, Convention, Quantile
from webapp.results.control.comparison import ControlComparison, load
from webapp.results.control.episodes import episodes_of
from webapp.results.control.inference import ONE_SEED
from webapp.results.control.table import ControlRow, control_table
from webapp.results.paired import Verdict
from webapp.results.selectors import artifact_row

pytestmark = pytest.mark.django_db
T10 = [-13, -12, -11.5, -11, -10.5, -10, -9.5, -9, -62, -112]
"""Returns of papers/cdsa.md, section 8."""


def comparison(lab: ControlLab, **choice: object) -> ControlComparison:
    return load(replace(ControlChoice(runs=tuple(lab.run_ids)), **choice))  # type: ignore[arg-type]


def rows(lab: ControlLab, **choice: object) -> dict[str, ControlRow]:
    return {row.variant.name: row for row in control_table(comparison(lab, **choice)).rows}


def worked(returns: list[float], **choice: object) -> ControlRow:
    """Return the row of one given policy whose episodes had these returns."""
    experiment = Experiment.objects.create(
        owner=made.make_user(), name="T10", recipe="control", config={}
    )
    spec = evaluation_spec(episodes=len(returns))
    job = made.make_job("evaluate_control", "Evaluate", spec=spec)
    made.link(job, policy=made.make_job("control_policy", "Beeline"))
    publish_evaluation(job, np.array(returns, dtype=float), spec)
    run = made.make_run(experiment, "beeline", "", config={"evaluate": spec}, evaluate=job)
    choice_made = replace(ControlChoice(runs=(run.pk,)), **choice)  # type: ignore[arg-type]
    (row,) = control_table(load(choice_made)).rows
    return row


@pytest.mark.parametrize(
    ("tail", "var", "cvar"),
    [
        ((0.1, "ceil", "linear"), -67, -112),
        ((0.1, "ceil", "inverted_cdf"), -112, -112),
        ((0.2, "ceil", "linear"), -22.8, -87),
        ((0.25, "floor", "linear"), -12.75, -87),
        ((0.25, "ceil", "linear"), -12.75, -62.333333),
    ],
)
def test_tails_are_those_of_the_worked_sample(
    tail: tuple[float, str, str], var: float, cvar: float
) -> None:
    alpha, convention, quantile = tail
    row = worked(T10, alpha=alpha, convention=Convention(convention), quantile=Quantile(quantile))
    assert row.tails["var"].value == pytest.approx(var, abs=1e-6)
    assert row.tails["cvar"].value == pytest.approx(cvar, abs=1e-6)


def test_returns_are_normalised_by_what_the_data_set_says_and_labelled() -> None:
    row = worked([-60.0, -10.0])
    assert row.means["normalized_return"].mean == pytest.approx(50)
    assert row.reference_label == "local-normalised"


def test_a_corrected_policy_is_compared_with_itself() -> None:
    found = rows(make_control_lab())
    row = found["TD3+BC + CDSA"]
    assert row.counterpart is not None
    assert row.counterpart.name == "TD3+BC"
    assert row.change is not None
    before = [returns_of("td3_bc", "", seed, 60).mean() for seed in (0, 1, 2)]
    after = [returns_of("td3_bc", "cdsa", seed, 60).mean() for seed in (0, 1, 2)]
    assert row.change.mean == pytest.approx(np.mean(after) - np.mean(before))
    assert row.change.verdict is Verdict.HIGHER
    assert row.change.episodes == 60
    assert found["TD3+BC"].change is None


def test_shared_trainings_are_two_groups_each_with_all_its_seeds() -> None:
    lab = make_control_lab(algorithms=("bc",))
    found = comparison(lab)
    assert [len(group.runs) for group in found.groups] == [3, 3]
    assert [group.name for group in found.trained] == ["Behaviour cloning"]


def test_one_training_seed_is_not_decided() -> None:
    row = rows(make_control_lab(algorithms=("bc",), seeds=(0,)))["Behaviour cloning + CDSA"]
    assert row.change is not None
    assert row.change.note == ONE_SEED


def test_any_group_can_be_the_reference() -> None:
    lab = make_control_lab()
    found = rows(lab, reference=lab.run("bc").pk)
    assert found["Behaviour cloning"].change is None
    assert all(row.change for name, row in found.items() if name != "Behaviour cloning")


def test_differences_use_the_episodes_that_both_have() -> None:
    lab = make_control_lab(algorithms=("bc",), seeds=(0, 1))
    longer = lab.run("bc", "cdsa", 0).needs.get(role="evaluate").job
    republished = np.concatenate([returns_of("bc", "cdsa", 0, 60), np.full(40, 1e6)])
    longer.artifact.delete()
    publish_evaluation(longer, republished, longer.spec)
    table = control_table(comparison(lab))
    row = next(row for row in table.rows if row.variant.correction)
    assert row.change is not None
    assert row.change.episodes == 60
    assert row.change.mean < 1000
    assert any("60 reset seeds that both" in text for text in table.warnings)


def test_a_correction_without_its_policy_says_so() -> None:
    lab = make_control_lab(algorithms=("bc",), corrections=("cdsa",))
    (row,) = control_table(comparison(lab)).rows
    assert row.change is None
    assert "not among the chosen runs" in row.reason


def test_few_episodes_warn_about_tails() -> None:
    few = control_table(comparison(make_control_lab(algorithms=("bc",), episodes=20)))
    assert any("20 episodes, their tails 2" in text for text in few.warnings)
    assert not control_table(comparison(make_control_lab(name="b", dataset="b"))).warnings


def test_tuning_seeds_are_left_out_beside_reporting_ones() -> None:
    lab = make_control_lab(algorithms=("bc",))
    tuned = make_control_lab(
        algorithms=("td3_bc",), name="Tuned", dataset="tuned", purpose="tuning"
    )
    both = load(ControlChoice(runs=tuple(lab.run_ids + tuned.run_ids)))
    assert {one.policy for one in both.variants} == {"Behaviour cloning"}
    assert len(both.left_out) == 2
    alone = control_table(comparison(tuned))
    assert len(alone.rows) == 2
    assert any("tuning seeds" in text for text in alone.warnings)


def test_noise_pairs_with_the_same_noise() -> None:
    lab = make_control_lab(algorithms=("bc",), noise=0.5)
    other = make_control_lab(
        algorithms=("bc",), name="b", dataset="b", noise=0.0, corrections=("",)
    )
    found = load(ControlChoice(runs=tuple(lab.run_ids + other.run_ids)))
    corrected = next(one for one in found.variants if one.correction)
    before = found.uncorrected(corrected)
    assert before is not None
    assert before.settings["evaluate.noise"] == 0.5


def test_damaged_episodes_are_told_in_the_row() -> None:
    lab = make_control_lab(algorithms=("bc",), seeds=(0, 1))
    job = Job.objects.get(pk=lab.run("bc", "cdsa", 1).needs.get(role="evaluate").job_id)
    job.artifact.path = "nowhere"
    job.artifact.save()
    row = rows(lab)["Behaviour cloning + CDSA"]
    assert f"job {job.pk} cannot be read" in row.reason


def test_what_is_off_the_data_is_read_where_a_network_looked() -> None:
    lab = make_control_lab(algorithms=("bc",), seeds=(0,))
    found = rows(lab)
    assert "ood_before_mean" not in found["Behaviour cloning"].means
    assert found["Behaviour cloning + CDSA"].means["ood_before_mean"].mean == pytest.approx(0.9)
    job = lab.run("bc").needs.get(role="evaluate").job
    row = artifact_row(job)
    assert row is not None
    assert len(episodes_of(row)) == 60


def test_the_settings_of_a_correction_are_complete() -> None:
    assert set(CDSA) >= {"noise_level", "steps", "action_gain", "state_gain"}
    assert RESAMPLES == 1000
