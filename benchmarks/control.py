"""Offline control beside a plain loop: updates per second, and corrected actions per second.

    python -m benchmarks.control [--steps 100] [--rounds 5] [--d3rlpy PYTHON]

Published network sizes, batch 256, one thread, data of Hopper's shape. Sides take turns within one
run, and CPU time is measured, so that little of what else the machine does counts. d3rlpy
needs an environment of its own: `pip install d3rlpy`, and `--d3rlpy` names its Python.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.control.cdsa import Correction, Models, Params
from algorithms.control_base import Spaces
from algorithms.control_data.scaling import Scaling
from algorithms.control_data.transitions import Transitions
from algorithms.control_models.dynamics import DynamicsModel, DynamicsParams
from algorithms.control_models.score import ScoreModel, ScoreParams
from algorithms.training.control_data import BatchStream, ResidentData
from benchmarks.control_plain import PLAIN, Buffer
from benchmarks.figures import OPTION, Figure, keep

OBSERVATIONS, ACTIONS, ROWS = 11, 3, 100_000
WARM_UP = 4
D3RLPY = Path(__file__).with_name("control_d3rlpy.py")

Steps = Callable[[int], float]
"""`steps(n)` takes n updates and returns the CPU seconds."""


def data(seed: int = 0) -> Transitions:
    """Return random transitions of Hopper's shape."""
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return random.standard_normal(shape, np.float32)

    ends = np.arange(ROWS) % 1000 == 999
    return Transitions(
        drawn(ROWS, OBSERVATIONS),
        np.tanh(drawn(ROWS, ACTIONS)),
        drawn(ROWS),
        drawn(ROWS, OBSERVATIONS),
        random.random(ROWS) < 0.002,
        ends,
        {"action_low": [-1.0] * ACTIONS, "action_high": [1.0] * ACTIONS},
    )


def ours(name: str, transitions: Transitions, seeds: int = 1) -> Steps:
    """Return updates of this project."""
    algorithm = CONTROL_ALGORITHMS[name]
    device = torch.device("cpu")
    resident = ResidentData.of(transitions, Scaling.of(transitions), device)
    spaces = Spaces(OBSERVATIONS, ACTIONS, tuple(range(seeds)))
    agent = algorithm.build(spaces, algorithm.params())
    stream = BatchStream(resident, spaces, 256, agent.normals, agent.uniforms, 1_000_000)

    def endless() -> Iterator[None]:
        step = 0
        while True:
            for batch in stream.batches(step):
                agent.schedule(batch.step, batch.steps)
                agent.update(batch)
                step = batch.step + 1
                yield

    updates = endless()
    return lambda count: timed(lambda: next(updates), count)


def plain(name: str, transitions: Transitions) -> Steps:
    """Return updates of the plain loop."""
    arrays = {
        "observations": transitions.observations,
        "actions": transitions.actions,
        "rewards": transitions.rewards[:, None],
        "next_observations": transitions.next_observations,
        "terminals": transitions.terminated[:, None].astype(np.float32),
    }
    buffer, trainer = Buffer(arrays, 0), PLAIN[name](OBSERVATIONS, ACTIONS)
    return lambda count: timed(lambda: trainer.train(buffer.sample()), count)


def d3rlpy(python: str, name: str) -> Steps:
    """Return updates of d3rlpy, in a process with its own Python."""
    process = subprocess.Popen(
        [python, str(D3RLPY), name, str(OBSERVATIONS), str(ACTIONS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )

    def steps(count: int) -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{count}\n")
        for line in process.stdout:
            if line.startswith("seconds "):
                return float(line.split()[1])
        raise RuntimeError("d3rlpy's process ended")

    return steps


def timed(step: Callable[[], object], count: int) -> float:
    """Return the CPU seconds of some calls: one thread computes, whatever else the machine does."""
    started = time.process_time()
    for _ in range(count):
        step()
    return time.process_time() - started


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


def main() -> int:
    """Print a line of JSON per comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--d3rlpy", default="", help="Python of an environment with d3rlpy")
    parser.add_argument("--seeds", type=int, default=4, help="policies side by side")
    parser.add_argument(OPTION, type=Path, help="a file to append figures to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transitions = data()
    for name in ("td3_bc", "iql", "cql"):
        sides = {"ours": ours(name, transitions), "plain": plain(name, transitions)}
        many = f"ours, {arguments.seeds} seeds"
        sides[many] = ours(name, transitions, arguments.seeds)
        if arguments.d3rlpy:
            sides["d3rlpy"] = d3rlpy(arguments.d3rlpy, name)
        steps = arguments.steps if name != "cql" else max(1, arguments.steps // 10)
        rates = compare(sides, steps, arguments.rounds)
        rates[many] *= arguments.seeds
        ratios = {
            f"ours/{other}": rates["ours"] / rates[other] for other in sides if other != "ours"
        }
        against = Figure(f"{name}, ours : plain loop", f"{ratios['ours/plain']:.2f} x", "1.2 x")
        keep(arguments.figures, [against])
        line = {"algorithm": name, "updates_per_s": rates, "ratio": ratios}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    for name, figures in corrections(arguments.rounds).items():
        sys.stdout.write(json.dumps({"correction": name, **figures}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
