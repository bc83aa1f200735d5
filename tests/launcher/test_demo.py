"""What the terminal shows of the demo experiment."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, RenderableType

from algorithms.metrics import OUTCOME_METRICS
from launcher import demo, lab
from launcher.progress import Terminal
from webapp.jobs.models import Job
from webapp.jobs.states import FailureClass, JobState
from webapp.results.comparison import FinalRow, FinalTable
from webapp.results.groups import Group
from webapp.results.paired import Difference, Verdict
from webapp.results.rows import ArtifactRow, JobRow, RunRow
from webapp.results.statistics import MeanCI, mean_ci

START = datetime(2026, 1, 1, tzinfo=UTC)


def job(
    kind: str = "train", state: JobState = JobState.SUCCEEDED, seconds: float | None = None
) -> Job:
    ended = START + timedelta(seconds=seconds) if seconds is not None else None
    started = START if seconds is not None else None
    return Job(pk=3, kind=kind, title="TOPR", state=state, started_at=started, finished_at=ended)


def run_row(seed: int, accuracy: float) -> RunRow:
    summary = {"greedy_accuracy": accuracy, "pass_at_1": accuracy - 0.1}
    evaluate = JobRow(seed, "succeeded", ArtifactRow(seed, "a", "b", summary))
    return RunRow(seed, 1, "Demo", "TOPR", "topr", seed, {}, None, evaluate, {})


def moment(**changes: object) -> lab.Moment:
    facts: dict[str, object] = {
        "state": JobState.RUNNING,
        "jobs": [job(), job(state=JobState.RUNNING), job(state=JobState.WAITING)],
        "running": [lab.RunningJob("Train TOPR", 50, 250, "steps", 12.5, 16.0)],
        "evaluations": [lab.Evaluation("TOPR, seed 0", 50, 0.625)],
        "eta_s": 135.0,
    }
    return lab.Moment(**(facts | changes))  # type: ignore[arg-type] # a test's own short hand


def final_row(difference: Difference | None, *, is_reference: bool = False) -> FinalRow:
    group = Group(1, "TOPR", "topr", 0, (run_row(0, 0.8), run_row(1, 0.7)), 0, mixed=False)
    figures = {"greedy_accuracy": mean_ci([0.8, 0.7]), "pass_at_1": mean_ci([0.7])}
    return FinalRow(group, figures, 2, difference, "", is_reference)


def drawn(view: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s")]
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert demo.duration(seconds) == words


def test_a_line_tells_jobs_rate_time_left_and_last_accuracy() -> None:
    assert demo.line(moment()) == (
        "1 of 3 jobs done; about 2 min 15 s left; "
        "Train TOPR: 50 of 250 steps, 12.5 per second, 16 s left; TOPR, seed 0 at step 50: 0.625"
    )


def test_a_job_without_a_rate_says_only_what_is_known() -> None:
    running = [lab.RunningJob("Generate", 0, 0, "", None, None)]
    text = drawn(demo.view(moment(running=running, evaluations=[], eta_s=None)))
    assert "starting" in text
    assert "left" not in text
    assert "per second" not in text


def test_the_view_shows_every_training_that_was_evaluated() -> None:
    text = drawn(demo.view(moment()))
    assert "1 of 3 jobs done, about 2 min 15 s left" in text
    assert "50 of 250 steps" in text
    assert "TOPR, seed 0" in text


def test_an_experiment_is_over_when_nothing_more_happens_by_itself() -> None:
    over = {state for state in JobState if moment(state=state).is_over}
    assert over == {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


def test_only_jobs_that_ended_since_the_start_are_timed() -> None:
    jobs = [job(seconds=10), job(seconds=20), job(kind="grade", seconds=2), job(seconds=None)]
    assert lab.seconds_by_kind(jobs, START + timedelta(seconds=5)) == {"train": [10, 20]}


def test_times_of_a_kind_are_counted_averaged_and_summed() -> None:
    assert demo.times_line("grade", [2.0]) == "grade: 2.0 s"
    assert demo.times_line("train", [10.0, 20.0]) == "train: 2 jobs, 15.0 s each, 30.0 s together"


def test_a_failure_says_what_happened_and_what_to_do() -> None:
    failed = job(state=JobState.FAILED)
    failed.failure_class = FailureClass.OUT_OF_MEMORY
    failed.failure_message = "It needed 3 GB."
    said = lab.failures(moment(jobs=[failed, job()]))
    assert len(said) == 1
    assert said[0].startswith("Job 3, TOPR: It needed 3 GB. ")
    assert len(said[0]) > len("Job 3, TOPR: It needed 3 GB. ")


def test_the_table_shows_means_intervals_every_seed_and_the_difference() -> None:
    found = Difference(0.41, 0.3, 0.52, 0.001, 0.002, 400, 2, False, Verdict.HIGHER, "", 0.1)
    rows = (final_row(found), final_row(None, is_reference=True))
    table = FinalTable(rows, OUTCOME_METRICS[1], rows[1].group, 400, ())
    text = drawn(demo.comparison(table))
    assert "0.750 ± 0.635" in text
    assert "0.800, 0.700" in text
    assert "+0.410 [+0.300, +0.520] higher" in text
    assert "400 problems" in text


def test_one_seed_has_no_interval() -> None:
    assert demo.interval(MeanCI(0.5, None, None, 1)) == "0.500"
    assert demo.interval(None) == "–"


def test_without_a_terminal_lines_come_at_most_every_ten_seconds() -> None:
    file = io.StringIO()
    terminal = Terminal(Console(file=file, force_terminal=False))
    with terminal.live():
        for number in range(50):
            terminal.show("a view", f"line {number}")
    assert file.getvalue() == "line 0\n"


def test_with_a_terminal_the_view_is_drawn_and_messages_stay_above_it() -> None:
    file = io.StringIO()
    terminal = Terminal(Console(file=file, force_terminal=True, width=80))
    with terminal.live():
        terminal.show("three jobs run", "a line")
        terminal.say("[worker] died")
    assert "three jobs run" in file.getvalue()
    assert "[worker] died" in file.getvalue()
    assert "a line" not in file.getvalue()


def test_phases_are_timed_and_said() -> None:
    file = io.StringIO()
    terminal = Terminal(Console(file=file))
    with terminal.phase("tables"):
        pass
    assert file.getvalue() == "tables: 0.0 s\n"
    assert set(terminal.phases) == {"tables"}
