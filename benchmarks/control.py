"""Offline control beside a plain loop: updates per second, and corrected actions per second.

    python -m benchmarks.control [--steps 100] [--rounds 5] [--d3rlpy PYTHON]

Published network sizes, batch 256, one thread, data of Hopper's shape. Every side is a process,
they take turns, and CPU time is measured, so that little of what else the machine does counts.
d3rlpy needs an environment of its own: `pip install d3rlpy`, and `--d3rlpy` names its Python.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from algorithms.control.cdsa import Correction, Models, Params
from algorithms.control_base import Spaces
from algorithms.control_models.dynamics import DynamicsModel, DynamicsParams
from algorithms.control_models.score import ScoreModel, ScoreParams
from benchmarks.control_side import ACTIONS, OBSERVATIONS, multiplications, timed
from benchmarks.figures import OPTION, Figure, keep

WARM_UP = 4
SQUARE = 2048
D3RLPY = Path(__file__).with_name("control_d3rlpy.py")

Steps = Callable[[int], float]
"""`steps(n)` takes n updates and returns the CPU seconds."""


@contextlib.contextmanager
def served(*command: str) -> Iterator[Steps]:
    """Give the updates of a process that reads counts and writes seconds."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:

        def steps(count: int) -> float:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{count}\n")
            for line in process.stdout:
                if line.startswith("seconds "):
                    return float(line.split()[1])
            raise RuntimeError(f"The process {' '.join(command)} ended.")

        yield steps


def fewer(steps: Steps, share: int) -> Steps:
    """Return a side that takes one in `share` of its updates, and is timed as if it took all."""

    def taken(count: int) -> float:
        few = max(1, count // share)
        return steps(few) * count / few

    return taken


def peak() -> float:
    """Return the FLOP/s of the fastest product of large matrices, by MKL or oneDNN, one thread."""
    left, right = torch.randn(SQUARE, SQUARE), torch.randn(SQUARE, SQUARE)
    ways: tuple[Callable[[], object], ...] = (
        lambda: left @ right,
        lambda: torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001 - has no public name
            left, right, None, "none", (), ""
        ),
    )
    seconds = [min(timed(way, 1) for _ in range(10)) for way in ways]
    return 2 * SQUARE**3 / min(seconds)


def compare(sides: dict[str, Steps], steps: int, rounds: int) -> dict[str, float]:
    """Return the median updates per second of each side, taken in turns."""
    for side in sides.values():
        side(WARM_UP)
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            rates[name].append(steps / side(steps))
    return {name: statistics.median(values) for name, values in rates.items()}


def corrections(rounds: int) -> dict[str, dict[str, float]]:
    """Return corrected actions per second and the share of time beside the networks."""
    spaces = Spaces(OBSERVATIONS, ACTIONS)
    score = ScoreModel(spaces, ScoreParams())
    dynamics = DynamicsModel(spaces, DynamicsParams())
    models = Models(score=score.score, inverse=dynamics.inverse)
    found = {}
    for steps in (1, 5):
        for rows in (1, 256):
            params = Params(steps=steps, state_gain=0.5)
            correction = Correction(models, params)
            observations, actions = torch.randn(rows, OBSERVATIONS), torch.zeros(rows, ACTIONS)
            both = torch.cat([observations, actions], dim=-1)

            def whole(
                correct: Correction = correction, s: object = (observations, actions)
            ) -> None:
                correct.correct(*s)  # type: ignore[misc]

            def bare(times: int = steps, s: object = (both, observations)) -> None:
                for _ in range(times):
                    score.score(s[0], 0.2)  # type: ignore[index]
                    dynamics.inverse(s[1], s[1])  # type: ignore[index]
                    dynamics.inverse(s[1], s[1])  # type: ignore[index]

            sides: dict[str, Steps] = {
                "whole": partial(timed, whole),
                "bare": partial(timed, bare),
            }
            rates = compare(sides, 200 // steps, rounds)
            found[f"K={steps}, {rows} at once"] = {
                "actions_per_s": rows * rates["whole"],
                "overhead_share": 1 - rates["whole"] / rates["bare"],
            }
    return found


def updates(name: str, options: argparse.Namespace) -> dict[str, float]:
    """Return the updates per second of each side, those of several seeds added up."""
    steps = options.steps if name != "cql" else max(1, options.steps // 10)
    mine = (sys.executable, "-m", "benchmarks.control_side")
    with contextlib.ExitStack() as stack:
        sides = {
            "ours": stack.enter_context(served(*mine, "ours", name, "1")),
            "plain": stack.enter_context(served(*mine, "plain", name, "1")),
        }
        if options.d3rlpy:
            sizes = (str(OBSERVATIONS), str(ACTIONS))
            command = (options.d3rlpy, str(D3RLPY), name, *sizes)
            sides["d3rlpy"] = stack.enter_context(served(*command))
        several = stack.enter_context(served(*mine, "ours", name, str(options.seeds)))
        sides[f"ours, {options.seeds} seeds"] = fewer(several, options.seeds)
        rates = compare(sides, steps, options.rounds)
    rates[f"ours, {options.seeds} seeds"] *= options.seeds
    return rates


def main() -> int:
    """Print a line of JSON per comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--d3rlpy", default="", help="Python of an environment with d3rlpy")
    parser.add_argument("--seeds", type=int, default=16, help="policies side by side")
    parser.add_argument(OPTION, type=Path, help="a file to append figures to")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in ("td3_bc", "iql", "cql"):
        rates = updates(name, options)
        ratios = {f"ours/{side}": rates["ours"] / rates[side] for side in rates if side != "ours"}
        figures = [Figure(f"{name}, ours : plain loop", f"{ratios['ours/plain']:.2f} x", "1.2 x")]
        if options.d3rlpy:
            figures += [Figure(f"{name}, ours : d3rlpy", f"{ratios['ours/d3rlpy']:.2f} x", "3 x")]
        keep(options.figures, figures)
        used, most = multiplications(name) * rates["ours"], peak()
        line = {"algorithm": name, "updates_per_s": rates, "ratio": ratios}
        shares = {"peak_gflop_per_s": most / 1e9, "share_of_peak": used / most}
        sys.stdout.write(json.dumps(line | shares) + "\n")
        sys.stdout.flush()
    for name, corrected in corrections(options.rounds).items():
        sys.stdout.write(json.dumps({"correction": name, **corrected}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
