"""One side of `benchmarks.control`, in a process of its own: this project's updates, or plain ones.

    python -m benchmarks.control_side ours|plain ALGORITHM SEEDS

Reads a number of updates per line and writes `seconds S`, of CPU time, for each. Each side has its
own process because the memory of one would be kept for the other, too.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from algorithms.catalogue import CONTROL_ALGORITHMS
from algorithms.control_base import Agent, Spaces
from algorithms.control_data.scaling import Scaling
from algorithms.control_data.transitions import Transitions
from algorithms.training.allocator import keep_freed_memory
from algorithms.training.control_data import BatchStream, ResidentData
from algorithms.training.device import configure_process
from benchmarks.control_plain import BATCH, PLAIN, Buffer

OBSERVATIONS, ACTIONS, ROWS = 11, 3, 100_000

Update = Callable[[], object]


def _product(left: torch.Size, right: torch.Size, *_: object, **__: object) -> int:
    """Return the operations of left right^T."""
    return int(2 * left.numel() * right[0])


ONEDNN = {torch.ops.mkldnn._linear_pointwise: _product}  # noqa: SLF001 - has no public name


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


def _built(name: str, seeds: int) -> tuple[Agent, BatchStream]:
    algorithm, transitions = CONTROL_ALGORITHMS[name], data()
    resident = ResidentData.of(transitions, Scaling.of(transitions), torch.device("cpu"))
    spaces = Spaces(OBSERVATIONS, ACTIONS, tuple(range(seeds)))
    agent = algorithm.build(spaces, algorithm.params())
    return agent, BatchStream(resident, spaces, BATCH, agent.normals, agent.uniforms, 1_000_000)


def ours(name: str, seeds: int) -> Update:
    """Return an update of this project, in the process that its jobs have."""
    configure_process(0)
    keep_freed_memory()
    agent, stream = _built(name, seeds)

    def endless() -> Iterator[None]:
        step = 0
        while True:
            for batch in stream.batches(step):
                agent.schedule(batch.step, batch.steps)
                agent.update(batch)
                step = batch.step + 1
                yield

    updates = endless()
    return lambda: next(updates)


def plain(name: str, seeds: int) -> Update:
    """Return an update of the plain loop, which trains one policy."""
    assert seeds == 1
    torch.set_num_threads(1)
    transitions = data()
    arrays = {
        "observations": transitions.observations,
        "actions": transitions.actions,
        "rewards": transitions.rewards[:, None],
        "next_observations": transitions.next_observations,
        "terminals": transitions.terminated[:, None].astype(np.float32),
    }
    buffer, trainer = Buffer(arrays, 0), PLAIN[name](OBSERVATIONS, ACTIONS)
    return lambda: trainer.train(buffer.sample())


def multiplications(name: str) -> float:
    """Return the floating-point operations of an update's products, the mean of two updates."""
    agent, stream = _built(name, 1)
    with FlopCounterMode(display=False, custom_mapping=ONEDNN) as counter:
        for batch in stream.batches(0):
            agent.update(batch)
            if batch.step == 1:
                break
    return float(counter.get_total_flops()) / 2


def timed(step: Callable[[], object], count: int) -> float:
    """Return the CPU seconds of some calls: one thread computes, whatever else the machine does."""
    started = time.process_time()
    for _ in range(count):
        step()
    return time.process_time() - started


def main() -> None:
    """Serve updates until the input ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("side", choices=("ours", "plain"))
    parser.add_argument("algorithm")
    parser.add_argument("seeds", type=int)
    options = parser.parse_args()
    update = {"ours": ours, "plain": plain}[options.side](options.algorithm, options.seeds)
    for line in sys.stdin:
        sys.stdout.write(f"seconds {timed(update, int(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
