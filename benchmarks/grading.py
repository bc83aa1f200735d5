"""Grading speed on MATH: completions per second against calling math-verify in a plain loop.

    python -m benchmarks.grading FOLDER_WITH_MATH [--problems 300]

Three completions per problem: the worked solution, its answer written another way, and the
answer of another problem. The loop parses and verifies every one in this process, without time
limit, as one would by hand. `symbolic only` takes away the graders' shortcuts (text, numbers,
repeated comparisons), so that only the processes are compared with the loop.
"""

import argparse
import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from math_verify import LatexExtractionConfig, parse, verify

from algorithms.asking import Grading
from algorithms.data.graders.boxed import last_boxed
from algorithms.data.graders.pool import Pool, Question
from algorithms.data.grading import Item, Judge
from benchmarks.figures import OPTION, Figure, keep

GRADING = Grading(grader="math")
_LATEX = (LatexExtractionConfig(boxed_match_priority=0),)


def completions(folder: Path, problems: int) -> list[Item]:
    """Return three completions for each of the first problems of MATH-500."""
    with (folder / "math500.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:problems]
    return [
        Item(text, row["answer"], "stop")
        for row, other in zip(rows, [*rows[1:], *rows[:1]], strict=True)
        for text in (
            row["solution"],
            rf"\boxed{{1 \cdot ({row['answer']})}}",
            rf"\boxed{{{other['answer']}}}",
        )
    ]


def loop(items: Sequence[Item]) -> int:
    """Return how many are correct by math-verify called one after the other."""
    logging.disable(logging.CRITICAL)
    correct = 0
    for item in items:
        wanted = _parsed(item.answer)
        correct += bool(
            verify(wanted, _parsed(last_boxed(item.completion) or ""), timeout_seconds=None)
        )
    return correct


def _parsed(text: str) -> object:
    return parse(f"\\boxed{{{text}}}", extraction_config=_LATEX, parsing_timeout=None)


def judged(items: Sequence[Item], judge: Judge) -> int:
    """Return how many are correct by the math grader."""
    return sum(verdict.grade == "correct" for verdict in judge.grade_all(items))


def symbolic(items: Sequence[Item], pool: Pool) -> int:
    """Return how many are correct when every completion is compared symbolically."""
    questions = [
        Question(last_boxed(item.completion) or "", item.answer, GRADING.tolerance)
        for item in items
    ]
    return sum(answer is not None and answer.same for answer in pool.ask(questions))


def report(name: str, items: Sequence[Item], work: Callable[[Sequence[Item]], int]) -> Figure:
    """Print the speed of one way and return it."""
    started = time.perf_counter()
    correct = work(items)
    seconds = time.perf_counter() - started
    print(  # noqa: T201 - a benchmark reports on its terminal
        f"{name:32} {len(items) / seconds:8.1f} completions/s  {seconds:6.1f} s  {correct} correct"
    )
    return Figure(name, f"{len(items) / seconds:.0f} completions/s")


def report_processes(items: Sequence[Item], processes: int) -> list[Figure]:
    """Print the speed with some processes, which are started before the clock runs."""
    with Pool(processes, GRADING.time_limit_s) as pool:
        symbolic(items[:30], pool)
        alone = report(f"symbolic only, {processes} processes", items, partial(symbolic, pool=pool))
    with Judge(GRADING, processes=processes) as judge:
        judged([Item(rf"\boxed{{{n}q}}", "q+q", "stop") for n in range(30)], judge)
        whole = report(f"math grader, {processes} processes", items, partial(judged, judge=judge))
    return [alone, whole]


def main() -> None:
    """Time every way on the same completions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds math500.jsonl")
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument(OPTION, type=Path, help="a file to append figures to")
    arguments = parser.parse_args()
    items = completions(arguments.folder, arguments.problems)
    print(f"{len(items)} completions")  # noqa: T201
    loop(items[:30])  # the grammar is loaded before the clock runs
    figures = [report("math-verify in a loop", items, loop)]
    for processes in (1, 2):
        figures += report_processes(items, processes)
    keep(arguments.figures, figures)


if __name__ == "__main__":
    main()
