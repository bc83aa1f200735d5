"""Updates of d3rlpy on random data, for `benchmarks.control`; run by a Python that has d3rlpy.

Reads a number of updates per line, writes `seconds S` (of CPU time) for each. Sizes, batch and
rates are those of the other sides.
"""

import sys
import time

import d3rlpy
import numpy as np
import torch

ROWS, LENGTH = 100_000, 1000


def main() -> None:
    """Serve updates until the input ends."""
    name, observations, actions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    timeouts = np.arange(ROWS) % LENGTH == LENGTH - 1
    dataset = d3rlpy.dataset.MDPDataset(
        random.standard_normal((ROWS, observations), np.float32),
        np.tanh(random.standard_normal((ROWS, actions), np.float32)),
        random.standard_normal(ROWS, np.float32),
        np.zeros(ROWS, np.float32),
        timeouts.astype(np.float32),
    )
    wide = d3rlpy.models.encoders.VectorEncoderFactory([256, 256, 256])
    config = {
        "td3_bc": lambda: d3rlpy.algos.TD3PlusBCConfig(batch_size=256),
        "iql": lambda: d3rlpy.algos.IQLConfig(batch_size=256),
        "cql": lambda: d3rlpy.algos.CQLConfig(
            batch_size=256,
            actor_encoder_factory=wide,
            critic_encoder_factory=wide,
            conservative_weight=10.0,
        ),
    }[name]()
    algorithm = config.create(device="cpu:0")
    algorithm.build_with_dataset(dataset)
    for line in sys.stdin:
        started = time.process_time()
        for _ in range(int(line)):
            algorithm.update(dataset.sample_transition_batch(256))
        sys.stdout.write(f"seconds {time.process_time() - started}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
