"""Claims of a study judged from what its jobs came to."""

import pytest

from algorithms.evaluation.claims.decision import Verdict
from tests.webapp.experiments.factories import make_user
from tests.webapp.studies.small import Summary, finish
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.studies.library import StudyFile
from webapp.studies.pilot import Sight
from webapp.studies.results import load_result, table_rows
from webapp.studies.services import study_reproduce
from webapp.studies.texts import claims_markdown, estimate_text, verdict_text

pytestmark = pytest.mark.django_db
ACCURACY = {"base policy": 0.3, "TOPR": 0.7, "REINFORCE": 0.05}


def outcome(label: str, seed: int) -> Summary:
    accuracy = ACCURACY[label] + 0.004 * (seed % 2 if label == "TOPR" else 0)
    return {"pass_at_1": accuracy, "invalid_share": 0.1, "problems": 1000, "samples": 4}


def test_without_any_run_every_claim_is_undecided(file: StudyFile, ada: User) -> None:
    result = load_result(file, "cpu")
    assert {one.decision.verdict for one in result.claims} == {Verdict.UNDECIDED}
    assert verdict_text(result.claims[0]) == "undecided (nothing measured)"
    assert result.pilot is not None
    assert result.pilot.sight is Sight.UNKNOWN


def test_claims_are_decided_by_paired_differences_of_the_finished_runs(
    file: StudyFile, ada: User
) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, outcome)
    result = load_result(file, "cpu")
    found = {one.claim.id: one for one in result.claims}
    above = found["ends_above"].decision
    assert above.evidence.estimate == pytest.approx(0.652)
    assert above.evidence.n == 2
    assert above.verdict is Verdict.HOLDS
    assert found["collapses"].decision.evidence.estimate == pytest.approx(0.25)
    assert found["alike"].decision.verdict is Verdict.FAILS
    assert found["rises"].decision.evidence.estimate == pytest.approx(0.4 / 4, abs=0.001)
    # 0.3 + 0.4 step / 4 is 0.5 at step 2; REINFORCE never gets there within its 4 steps.
    assert found["faster"].decision.evidence.estimate == pytest.approx(0.0, abs=2.1)
    assert "2 of the other" in found["faster"].decision.evidence.note
    assert result.pilot is not None
    assert result.pilot.sight is Sight.APART
    assert len(found["ends_above"].runs) == 4
    assert "2 seeds" in estimate_text(found["ends_above"])
    assert "TOPR ends above REINFORCE." in claims_markdown(result)


def test_a_seed_that_has_not_finished_is_left_out_of_both_sides(file: StudyFile, ada: User) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, lambda label, seed: None if (label, seed) == ("TOPR", 1) else outcome(label, seed))
    found = {one.claim.id: one for one in load_result(file, "cpu").claims}
    assert found["ends_above"].decision.evidence.n == 1
    assert found["ends_above"].decision.verdict is Verdict.UNDECIDED
    assert found["collapses"].decision.evidence.n == 2


def test_jobs_count_whoever_ran_them(file: StudyFile, ada: User) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, outcome)
    jobs = Job.objects.count()
    done = study_reproduce(owner=make_user("bob"), file=file, scale="cpu")
    assert (done.queued, done.experiments, Job.objects.count()) == (0, (), jobs)


def test_the_table_has_a_row_for_each_group_with_its_interval(file: StudyFile, ada: User) -> None:
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, outcome)
    rows = {row.cell.label: row for row in table_rows(load_result(file, "cpu"))}
    assert list(rows) == ["base policy", "TOPR", "REINFORCE"]
    assert rows["TOPR"].figures[0] is not None
    assert rows["TOPR"].figures[0].mean == pytest.approx(0.702)
    assert (rows["TOPR"].finished, rows["TOPR"].planned) == (2, 2)
    assert rows["base policy"].planned == 1
