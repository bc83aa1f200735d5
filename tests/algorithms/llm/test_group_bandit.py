"""The three-armed bandit of section 7.7: infinite samples, by the losses that train."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tests.algorithms.llm.bandit import BEHAVIOUR, REWARDS, STEP, trajectory

ROOT = Path(__file__).parents[3]

Settings = dict[str, object]
Policy = tuple[float, float, float]

IS: Settings = {"weight": "importance_sampling"}
WIDE: Settings = {"clip_low": 0.6, "clip_high": 2.0}
FROZEN = (0.1596, 0.7200, 0.1204)
FREE: Settings = {"clip": "none"}

ROWS: list[tuple[str, Settings, Policy, Policy]] = [
    ("rec", FREE, (0.0011, 0.9721, 0.0268), (0, 1, 0)),
    ("rec", FREE | IS, (0.0410, 0.8661, 0.0928), (0.0018, 0.0184, 0.9798)),
    ("rec", {}, FROZEN, FROZEN),
    ("rec", {"clip": "two_side"}, FROZEN, FROZEN),
    ("rec", {"clip": "ring"}, FROZEN, FROZEN),
    ("rec", IS, (0.1592, 0.7203, 0.1205), (0.1592, 0.7203, 0.1205)),
    ("rec", WIDE, (0.0924, 0.7708, 0.1369), (0.0187, 0.7497, 0.2315)),
    ("rec", IS | WIDE, (0.0862, 0.7847, 0.1291), (0.0154, 0.6840, 0.3006)),
    ("asymre", {}, (0.0028, 0.9510, 0.0462), (0, 1, 0)),
    ("asymre", {"baseline_shift": -0.2}, (0.0065, 0.9231, 0.0703), (0, 0.9718, 0.0282)),
    ("opmd", {"form": "token_k2"}, (0.0280, 0.8613, 0.1107), (0.0159, 0.7752, 0.2088)),
    ("red_weight", {}, (0.0145, 0.8698, 0.1158), (0, 0.8839, 0.1161)),
    ("red_weight", {"temperature": 0.2}, (0.0402, 0.5176, 0.4422), (0.0008, 0.5363, 0.4629)),
]

LATE: list[tuple[str, Settings, Policy, float]] = [
    ("rec", FREE | IS, (0.0001, 0.0010, 0.9989), 0.9997),
    ("rec", WIDE, (0.0019, 0.7577, 0.2404), 0.8465),
    ("rec", IS | WIDE, (0.0015, 0.6978, 0.3006), 0.8589),
    ("asymre", {"baseline_shift": -0.2}, (0, 0.9750, 0.0250), 0.8050),
    ("red_weight", {"temperature": 0.2}, (0, 0.5367, 0.4633), 0.8927),
]
"""The rows that still move between 2,000 and 20,000 updates."""

STANDING = [
    ("rec", FREE, 0.8),
    ("rec", {}, 0.6964),
    ("rec", IS, 0.6968),
    ("asymre", {}, 0.8),
    ("opmd", {"form": "token_k2"}, 0.8290),
    ("red_weight", {}, 0.8232),
]
"""The rows whose expected reward after 20,000 updates is that after 2,000."""


def run(rows: Sequence[tuple[str, Settings, list[int]]]) -> list[list[list[float]]]:
    """Return the policies of each row, computed without checks of shapes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.algorithms.llm.bandit"],
        cwd=ROOT,
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[list[float]]] = json.loads(done.stdout)
    return found


def value(policy: Sequence[float]) -> float:
    return sum(p * r for p, r in zip(policy, REWARDS, strict=True))


@pytest.fixture(scope="module")
def table() -> list[list[list[float]]]:
    return run([(name, settings, [200, 2000]) for name, settings, _, _ in ROWS])


@pytest.mark.parametrize("row", range(len(ROWS)), ids=lambda n: f"{ROWS[n][0]}-{ROWS[n][1]}")
def test_7_7_policies_after_200_and_2000_updates_are_the_references(
    row: int, table: list[list[list[float]]]
) -> None:
    _, _, early, later = ROWS[row]
    assert table[row][0] == pytest.approx(list(early), abs=5.1e-5)
    assert table[row][1] == pytest.approx(list(later), abs=5.1e-5)


def test_7_7_rows_that_have_come_to_rest_have_the_references_expected_reward(
    table: list[list[list[float]]],
) -> None:
    known = {(row[0], str(row[1])): found[1] for row, found in zip(ROWS, table, strict=True)}
    for name, settings, expected in STANDING:
        assert value(known[name, str(settings)]) == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.slow
def test_7_7_policies_and_expected_rewards_after_20000_updates_are_the_references() -> None:
    found = run([(name, settings, [20_000]) for name, settings, _, _ in LATE])
    for (policy,), (_, _, expected, reward) in zip(found, LATE, strict=True):
        assert policy == pytest.approx(list(expected), abs=5.1e-5)
        assert value(policy) == pytest.approx(reward, abs=5.1e-5)


def test_7_7_the_drift_at_the_start_is_the_references() -> None:
    """pi_b A = (-0.174, 0.132, 0.042): the first step of group REINFORCE, in logits."""
    first = next(trajectory("rec", FREE)).log()
    start = torch.tensor(BEHAVIOUR, dtype=torch.float64).log()
    moved = (first - start) / STEP
    drift = torch.tensor([-0.174, 0.132, 0.042], dtype=torch.float64)
    differences = moved - moved.mean() - (drift - drift.mean())
    assert differences.abs().max() < 1e-9
