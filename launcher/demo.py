"""The demo experiment at the terminal: progress, times, and the table it ends in."""

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from launcher import lab
from launcher.application import Application
from launcher.progress import Terminal
from webapp.jobs.states import JobState
from webapp.results.comparison import FinalRow, FinalTable, value_of
from webapp.results.statistics import MeanCI

LOOK_S = 1.0
NOTHING = "–"
FIRST_POINT = "first live point"


def watch_demo(app: Application, terminal: Terminal, name: str) -> bool:
    """Queue a demo experiment, show it until it is over; return whether it succeeded.

    Raises:
        LauncherError: A process that it needs died.
    """
    began, since = time.monotonic(), datetime.now(UTC)
    experiment = lab.launch_demo(name)
    moment = lab.look(experiment)
    ran, had_points = not moment.is_over, bool(moment.evaluations)
    with terminal.live():
        while not moment.is_over:
            app.supervisor.check()
            terminal.show(view(moment), line(moment))
            time.sleep(LOOK_S)
            moment = lab.look(experiment)
            if moment.evaluations and not had_points:
                had_points = True
                terminal.phase_over(FIRST_POINT, time.monotonic() - began)
    for kind, seconds in lab.seconds_by_kind(moment.jobs, since).items():
        terminal.say(times_line(kind, seconds))
    if ran:
        terminal.phase_over("demo experiment", time.monotonic() - began)
    for failure in lab.failures(moment):
        terminal.say(failure)
    if moment.state == JobState.SUCCEEDED:
        terminal.console.print(comparison(lab.final_table(experiment)))
    else:
        terminal.say(f"The demo experiment: {moment.state.label.lower()}. See {app.address}")
    return moment.state == JobState.SUCCEEDED


def times_line(kind: str, seconds: Sequence[float]) -> str:
    """Say how long the jobs of one kind ran."""
    if len(seconds) == 1:
        return f"{kind}: {seconds[0]:.1f} s"
    mean = statistics.fmean(seconds)
    return f"{kind}: {len(seconds)} jobs, {mean:.1f} s each, {sum(seconds):.1f} s together"


def line(moment: lab.Moment) -> str:
    """Say in one line how far the experiment is, for logs."""
    parts = [f"{moment.done} of {len(moment.jobs)} jobs done"]
    parts += [f"about {duration(moment.eta_s)} left"] if moment.eta_s is not None else []
    parts += [f"{job.title}: {how_far(job)}" for job in moment.running]
    parts += [
        f"{one.name} at step {one.step}: {one.accuracy:.3f}" for one in moment.evaluations[-2:]
    ]
    return "; ".join(parts)


def view(moment: lab.Moment) -> Group:
    """Draw the jobs that run and the last evaluations."""
    jobs = Table.grid(padding=(0, 2))
    for job in moment.running:
        bar = ProgressBar(total=max(job.total, 1), completed=job.done, width=24)
        jobs.add_row(job.title, bar, how_far(job))
    curves = Table("Sampled accuracy so far", "step", "value", box=None, header_style="dim")
    for one in moment.evaluations:
        curves.add_row(one.name, str(one.step), f"{one.accuracy:.3f}")
    summary = f"{moment.done} of {len(moment.jobs)} jobs done"
    summary += f", about {duration(moment.eta_s)} left" if moment.eta_s is not None else ""
    return Group(Text(summary), jobs, *([curves] if moment.evaluations else []))


def how_far(job: lab.RunningJob) -> str:
    """Say how much of a job is done, how fast it goes, and how long it still takes."""
    if not job.total:
        return "starting"
    parts = [f"{job.done:,} of {job.total:,} {job.unit}"]
    parts += [f"{job.rate:,.1f} per second"] if job.rate else []
    parts += [f"{duration(job.eta_s)} left"] if job.eta_s is not None else []
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return seconds as people say them: 40 s, 3 min 20 s."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def comparison(table: FinalTable) -> Table:
    """Draw the final table: means over seeds with 95% intervals, differences to the base policy."""
    drawn = Table(
        "Algorithm",
        "Seeds",
        "Greedy accuracy",
        "Each seed",
        "Sampled accuracy",
        "Invalid share",
        f"Difference in {table.outcome.label.lower()} to base",
        title=f"Mean ± 95% interval over seeds, {table.n_problems} problems",
    )
    for row in table.rows:
        figures = row.figures
        drawn.add_row(
            row.group.name,
            str(row.evaluated),
            interval(figures.get("greedy_accuracy")),
            each_seed(row),
            interval(figures.get("pass_at_1")),
            interval(figures.get("invalid_share")),
            difference(row),
        )
    return drawn


def interval(figure: MeanCI | None) -> str:
    """Return a mean with its margin; one seed has none."""
    if figure is None:
        return NOTHING
    margin = f" ± {figure.margin:.3f}" if figure.margin is not None else ""
    return f"{figure.mean:.3f}{margin}"


def each_seed(row: FinalRow) -> str:
    """Return the greedy accuracy of every seed."""
    values = [value_of(run, "greedy_accuracy") for run in row.group.runs]
    return ", ".join(NOTHING if value is None else f"{value:.3f}" for value in values)


def difference(row: FinalRow) -> str:
    """Return the difference to the reference with interval and verdict."""
    found = row.difference
    if row.is_reference or found is None:
        return NOTHING if row.is_reference else row.reason
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}] {found.verdict}"
