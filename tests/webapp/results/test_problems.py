"""Problems by runs: counts that add up, filters, orders, links, and the address."""

import json
import shutil
from typing import Any

import pyarrow as pa
import pytest
from django.http import QueryDict
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from algorithms.data.tables import OUTCOMES, OUTCOMES_FILE
from tests.webapp.results import made
from webapp.experiments.models import Experiment
from webapp.jobs.models import Job
from webapp.jobs.store import default_store
from webapp.results.problem_choice import (
    By,
    Look,
    Order,
    ProblemChoice,
    Show,
    Solved,
    parse_problems,
)
from webapp.results.problems import load_grid
from webapp.results.problems_page import Cell, build_problems_page
from webapp.results.templatetags.results import heat_cells

pytestmark = pytest.mark.django_db

# of four sampled completions, how many are correct, for the base policy and two trainings
BASE = (0, 0, 4, 4, 2, 1)
FIRST = (4, 0, 0, 4, 1, 2)
SECOND = (0, 0, 4, 4, 2, 1)


def evaluation(correct: tuple[int, ...], *, backwards: bool = False) -> Job:
    """Return an evaluate job with these numbers of correct samples, and a wrong greedy answer."""
    job = made.make_job("evaluate", "Evaluate")
    rows: list[dict[str, Any]] = []
    for problem, count in enumerate(correct):
        for sample in range(-1, 4):
            grade = "correct" if 0 <= sample < count else "incorrect"
            rows.append(
                {
                    "prompt_id": f"p{problem}",
                    "prompt": f"{problem}+1=",
                    "answer": str(problem + 1),
                    "sample": sample,
                    "completion": "42",
                    "n_tokens": 3,
                    "grade": grade,
                }
            )
    if backwards:
        rows.sort(key=lambda row: -int(row["prompt_id"][1:]))
    table = pa.Table.from_pylist(rows, schema=OUTCOMES)
    made.publish(job, {OUTCOMES_FILE: table}, made.summary_of(rows))
    return job


def make_runs(*, backwards: bool = False) -> tuple[int, int, int]:
    """Return the base policy's run and those of two trainings."""
    experiment = Experiment.objects.create(
        owner=made.make_user("bob"), name="Six problems", config={}
    )
    base = made.make_run(experiment, "base policy", "", evaluate=evaluation(BASE))
    first = made.make_run(
        experiment, "TOPR", "topr", evaluate=evaluation(FIRST, backwards=backwards)
    )
    second = made.make_run(experiment, "PPO", "ppo", evaluate=evaluation(SECOND))
    return base.pk, first.pk, second.pk


def listed(choice: ProblemChoice) -> list[str]:
    grid = load_grid(choice)
    return [grid.problems[place] for place in grid.shown.tolist()]


def test_learned_forgotten_both_and_neither_add_up_to_the_problems() -> None:
    grid = load_grid(ProblemChoice(runs=make_runs()))
    one, other = grid.standings
    # half of four is two: the base solves p2 p3 p4, TOPR p0 p3 p5
    assert (one.learned, one.forgotten, one.both, one.neither) == (2, 2, 1, 1)
    assert (other.learned, other.forgotten, other.both, other.neither) == (0, 0, 3, 3)
    for standing in grid.standings:
        counts = standing.learned + standing.forgotten + standing.both + standing.neither
        assert counts == len(grid.problems) == 6
    shows = (Show.LEARNED, Show.FORGOTTEN, Show.BOTH, Show.NEITHER)
    assert sum(grid.count(show) for show in shows) == grid.count(Show.ALL) == 6


def test_each_filter_lists_its_problems() -> None:
    runs = make_runs()
    by_filter = {show: listed(ProblemChoice(runs=runs, show=show, order=Order.ID)) for show in Show}
    assert by_filter == {
        Show.ALL: ["p0", "p1", "p2", "p3", "p4", "p5"],
        Show.LEARNED: ["p0", "p5"],
        Show.FORGOTTEN: ["p2", "p4"],
        Show.BOTH: ["p3"],
        Show.NEITHER: ["p1"],
    }


def test_any_and_all_move_the_bar() -> None:
    runs = make_runs()
    learned = {
        level: listed(ProblemChoice(runs=runs, show=Show.LEARNED, solved=level, order=Order.ID))
        for level in Solved
    }
    assert learned == {Solved.ANY: ["p0"], Solved.HALF: ["p0", "p5"], Solved.ALL: ["p0"]}


def test_problems_are_sorted_by_difficulty_and_by_change() -> None:
    runs = make_runs()
    assert listed(ProblemChoice(runs=runs)) == ["p1", "p0", "p5", "p4", "p2", "p3"]
    assert listed(ProblemChoice(runs=runs, order=Order.EASIEST))[0] == "p3"
    assert listed(ProblemChoice(runs=runs, order=Order.GAINED))[:2] == ["p0", "p5"]
    assert listed(ProblemChoice(runs=runs, order=Order.LOST))[:2] == ["p2", "p4"]


def test_any_run_can_be_the_base_and_any_other_held_against_it() -> None:
    base, first, second = make_runs()
    grid = load_grid(ProblemChoice(runs=(base, first, second), base=first, run=second))
    assert grid.base is not None
    assert grid.focus is not None
    assert (grid.base.run.id, grid.focus.run.id) == (first, second)
    assert [standing.column.run.id for standing in grid.standings] == [base, second]


def test_greedy_answers_are_counted_by_themselves() -> None:
    grid = load_grid(ProblemChoice(runs=make_runs(), by=By.GREEDY))
    assert all(column.accuracy == 0 for column in grid.columns)


def test_mcnemar_and_holm_stand_beside_the_counts() -> None:
    one, other = load_grid(ProblemChoice(runs=make_runs())).standings
    assert one.p_value == 1.0  # 2 against 2
    assert (other.p_value, other.p_adjusted) == (1.0, 1.0)


def test_a_cell_leads_to_its_own_completions_whatever_the_order_of_the_file(ada: Client) -> None:
    runs = make_runs(backwards=True)
    page = build_problems_page(load_grid(ProblemChoice(runs=runs, order=Order.ID)))
    cells = [line.cells[1] for line in page.lines]
    assert [line.prompt for line in page.lines] == [f"{place}+1=" for place in range(6)]
    for place, cell in enumerate(cells):
        assert f"{place}+1=" in ada.get(cell.url).content.decode()
        assert cell.text == f"{25 * FIRST[place]}"


def test_the_map_knows_where_each_cell_leads(ada: Client) -> None:
    runs = make_runs(backwards=True)
    address = ProblemChoice(runs=runs, order=Order.ID).query()
    figure = json.loads(ada.get(f"/compare/problems/heat.json?{address}").content)
    links = figure["layout"]["meta"]["links"]
    prefix, which = links["columns"][1]
    assert links["places"][which] == [5, 4, 3, 2, 1, 0]
    assert "0+1=" in ada.get(f"{prefix}{links['places'][which][0]}/").content.decode()


def test_changes_are_in_points_against_the_base() -> None:
    page = build_problems_page(
        load_grid(ProblemChoice(runs=make_runs(), look=Look.CHANGE, order=Order.ID))
    )
    cells = [line.cells[1] for line in page.lines]
    assert [cell.text for cell in cells] == ["+100", "0", "-100", "0", "-25", "+25"]
    assert [cell.kind for cell in cells] == ["gain", "loss", "loss", "loss", "loss", "gain"]
    assert "/beside/" in cells[0].url


@given(
    st.builds(
        ProblemChoice,
        runs=st.lists(st.integers(1, 40), unique=True).map(lambda ids: tuple(sorted(ids))),
        base=st.none() | st.integers(1, 99),
        run=st.none() | st.integers(1, 99),
        by=st.sampled_from(By),
        solved=st.sampled_from(Solved),
        show=st.sampled_from(Show),
        order=st.sampled_from(Order),
        look=st.sampled_from(Look),
        page=st.integers(1, 9),
    )
)
def test_the_address_restores_the_choice(choice: ProblemChoice) -> None:
    assert parse_problems(QueryDict(choice.query())) == choice


def test_queries_do_not_grow_with_runs(
    ada: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    small = made.make_lab(algorithms=("topr",), seeds=(0,))
    large = made.make_lab(algorithms=("topr", "positives", "tis"), seeds=(0, 1, 2))
    for lab in (small, large):  # session and user; runs, jobs, inputs
        runs = ",".join(map(str, lab.run_ids))
        with django_assert_num_queries(5):
            assert ada.get(f"/compare/problems/?runs={runs}").status_code == 200
        with django_assert_num_queries(5):
            assert ada.get(f"/compare/problems/heat.json?runs={runs}").status_code == 200


def test_what_cannot_be_shown_is_said(ada: Client) -> None:
    _, first, _ = runs = make_runs()
    job = Job.objects.get(needed_by__run=first)
    shutil.rmtree(default_store().folder(job.artifact.path))
    html = ada.get(f"/compare/problems/?runs={','.join(map(str, runs))}").content.decode()
    assert f"The outcomes of job {job.pk} cannot be read" in html
    assert "No problems to show yet" in ada.get("/compare/problems/").content.decode()
    assert "No problems to show yet" not in html


def test_a_hostile_name_is_text_in_the_cells() -> None:
    cell = Cell(url="/x/", kind="heat", level=3, text="30", title='<script>"x"</script>: 30 %')
    html = heat_cells([cell])
    assert "<script>" not in html
    assert 'title="&lt;script&gt;&quot;x&quot;&lt;/script&gt;: 30 %">30</a>' in html
