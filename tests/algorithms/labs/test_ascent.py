"""The bandits of both papers: their tables, and that guessing ahead changes nothing."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from algorithms.base import LLMAlgorithm, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.labs.ascent import Ascent, _GradientField, recorded_updates, replayed
from algorithms.labs.bandit import Bandit
from algorithms.labs.presets import BANDIT_EXAMPLES, Choice
from tests.algorithms.labs.tables import Played

TABLE_7_7 = {
    "REINFORCE": ((0.0011, 0.9721, 0.0268), (0, 1, 0), (0, 1, 0), 0.8000),
    "unclipped IS": (
        (0.0410, 0.8661, 0.0928),
        (0.0018, 0.0184, 0.9798),
        (1e-4, 1e-3, 0.9989),
        0.9997,
    ),
    "OneSide-NoIS .2/.2": ((0.1596, 0.7200, 0.1204),) * 3 + (0.6964,),
    "OneSide-IS .2/.2": ((0.1592, 0.7203, 0.1205),) * 3 + (0.6968,),
    "OneSide-NoIS .6/2": (
        (0.0924, 0.7708, 0.1369),
        (0.0187, 0.7497, 0.2315),
        (0.0019, 0.7577, 0.2404),
        0.8465,
    ),
    "OneSide-IS .6/2": (
        (0.0862, 0.7847, 0.1291),
        (0.0154, 0.6840, 0.3006),
        (0.0015, 0.6978, 0.3006),
        0.8589,
    ),
    "AsymRE .1": ((0.0028, 0.9510, 0.0462), (0, 1, 0), (0, 1, 0), 0.8000),
    "AsymRE .2": ((0.0065, 0.9231, 0.0703), (0, 0.9718, 0.0282), (0, 0.9750, 0.0250), 0.8050),
    "OPMD k2 .1": (
        (0.0280, 0.8613, 0.1107),
        (0.0159, 0.7752, 0.2088),
        (0.0159, 0.7752, 0.2088),
        0.8290,
    ),
    "RED-Weight T=1": ((0.0145, 0.8698, 0.1158), (0, 0.8839, 0.1161), (0, 0.8839, 0.1161), 0.8232),
    "RED-Weight T=.2": (
        (0.0402, 0.5176, 0.4422),
        (0.0008, 0.5363, 0.4629),
        (0, 0.5367, 0.4633),
        0.8927,
    ),
}
"""Group-relative REINFORCE, vector 7.7: policy after 200, 2,000 and 20,000 updates, and E[r]."""

BY_LABEL = {
    (name, choice.label): (example.bandit, choice)
    for name, example in BANDIT_EXAMPLES.items()
    for choice in example.choices
}


def _ascent(choice: Choice, bandit: Bandit) -> Ascent:
    algorithm = ALGORITHMS[choice.algorithm]
    return Ascent(bandit, algorithm, algorithm.params.model_validate(dict(choice.params)))


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, Played]]:
    """Return how every preset ended, computed in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.algorithms.labs.tables"],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    return {
        example: {label: Played(**played) for label, played in rows.items()}
        for example, rows in json.loads(run.stdout).items()
    }


def _plain_loop(bandit: Bandit, algorithm: LLMAlgorithm, params: Schema) -> list[list[float]]:
    """Return the logits after each update of the textbook loop over all 100 completions."""
    field = _GradientField(bandit, algorithm, params)
    logits = torch.tensor(bandit.first_policy, dtype=torch.float64).log()
    found = []
    for _ in range(bandit.updates):
        logits = logits - bandit.step_size * field.gradients(logits.unsqueeze(0))[0]
        found.append(logits.tolist())
    return found


@pytest.mark.parametrize("label", TABLE_7_7)
def test_the_table_of_group_relative_reinforce_comes_out(
    tables: dict[str, dict[str, Played]], label: str
) -> None:
    played = tables["group-relative"][label]
    *policies, reward = TABLE_7_7[label]
    for update, expected in zip((200, 2_000, 20_000), policies, strict=True):
        assert played.recorded[str(update)] == pytest.approx(expected, abs=6e-5), update
    assert played.expected_reward == pytest.approx(reward, abs=6e-5)


def test_a_forgotten_positive_comes_back_when_the_paper_says(
    tables: dict[str, dict[str, Played]],
) -> None:
    half_at = {label: one.half_at for label, one in tables["rare-positive"].items()}
    assert half_at == {
        "TOPR": 58,
        "SFT on positives": 68,
        "OPR (full IS)": 3_317,
        "TIS": None,
        "naive REINFORCE": None,
        "PPO": None,
    }


def test_negatives_that_never_fade_end_on_a_negative_arm(
    tables: dict[str, dict[str, Played]],
) -> None:
    rows = tables["rare-positive"]
    assert rows["naive REINFORCE"].recorded["10"][2] == pytest.approx(0.997, abs=5e-4)
    assert rows["TOPR"].recorded["100"] == pytest.approx((0.986, 0.005, 0.009), abs=6e-4)
    assert rows["TIS"].recorded["200000"][2] > 0.99


def test_only_topr_keeps_its_logits_in_bounds(tables: dict[str, dict[str, Played]]) -> None:
    naive, topr = (tables["blow-up"][label].logits for label in ("naive REINFORCE", "TOPR"))
    assert naive == pytest.approx((999.3, -601.2, -401.6), abs=0.06)
    assert topr == pytest.approx((4.90, -4.19, -4.22), abs=0.006)


@pytest.mark.parametrize(
    ("label", "gradient"),
    [
        ("SFT on positives", (0.2, -0.05, -0.15)),
        ("naive REINFORCE", (0.5, -0.3, -0.2)),
        ("OPR (full IS)", (0.48, -0.12, -0.36)),
        ("TIS", (0.38, -0.12, -0.26)),
        ("TOPR", (0.38, -0.12, -0.26)),
        ("TOPR (1, 1.2, 0, 1)", (0.42, -0.13, -0.29)),
    ],
)
def test_the_first_step_off_policy_is_the_papers_gradient(
    label: str, gradient: tuple[float, ...]
) -> None:
    bandit, choice = BY_LABEL["first-gradient", label]
    algorithm = ALGORITHMS[choice.algorithm]
    params = algorithm.params.model_validate(dict(choice.params))
    logits = torch.tensor([bandit.first_policy], dtype=torch.float64).log()
    found = -_GradientField(bandit, algorithm, params).gradients(logits)[0]
    assert found.tolist() == pytest.approx(gradient, abs=1e-12)


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if ALGORITHMS[name].select is None])
def test_guessing_ahead_gives_the_numbers_of_the_plain_loop(name: str) -> None:
    bandit = Bandit(updates=40, step_size=0.7)
    algorithm = ALGORITHMS[name]
    ascent = Ascent(bandit, algorithm, algorithm.params())
    ascent.advance()
    plain = _plain_loop(bandit, algorithm, algorithm.params())
    assert ascent._ahead[0].tolist() == pytest.approx(plain[-1], rel=1e-8, abs=1e-8)
    for update, policy in ascent.recorded.items():
        if update:
            expected = torch.tensor(plain[update - 1], dtype=torch.float64).softmax(-1)
            assert policy == pytest.approx(expected.tolist(), abs=1e-9)


def test_the_gradients_of_a_window_do_not_touch_each_other() -> None:
    for name, algorithm in ALGORITHMS.items():
        field = _GradientField(Bandit(), algorithm, algorithm.params())
        if field.window_max < 3:
            continue
        states = torch.tensor([[0.0, 0.1, -2.0], [1.0, -1.0, 0.4], [3.0, 0.0, 0.0]]).double()
        alone = torch.cat([field.gradients(state.unsqueeze(0)) for state in states])
        assert torch.allclose(field.gradients(states), alone, atol=1e-14), name


def test_dropping_copies_keeps_the_advantages_of_all_completions() -> None:
    algorithm = ALGORITHMS["grpo"]
    field = _GradientField(Bandit(), algorithm, algorithm.params())
    rewards = torch.tensor([0.0] * 30 + [0.8] * 60 + [1.0] * 10).double()
    worth = (rewards - rewards.mean()) / (rewards.std() + 1e-6)
    assert len(field.arms) == 10
    assert field.batch.advantages[:10].tolist() == pytest.approx(worth[::10].tolist())


def test_a_policy_that_is_no_number_any_more_stops_and_says_where() -> None:
    bandit = Bandit(behaviour=(0.5, 0.5), rewards=(1e6, -1e6), step_size=1000, updates=2_000)
    algorithm = ALGORITHMS["importance_sampling"]
    broken = Ascent(bandit, algorithm, algorithm.params())
    broken._field.gradients = lambda logits: logits * torch.nan  # type: ignore[method-assign]
    broken.advance()
    assert broken.is_done
    assert broken.broken_at == 1
    assert broken.policy == (0.5, 0.5)


def test_work_is_done_in_slices_with_the_same_end() -> None:
    bandit, choice = BY_LABEL["group-relative", "AsymRE .2"]
    bandit = bandit.model_copy(update={"updates": 500})
    whole, sliced = _ascent(choice, bandit), _ascent(choice, bandit)
    whole.advance()
    slices = 0
    while not sliced.is_done:
        sliced.advance(seconds=0.01)
        slices += 1
    assert slices > 1
    assert sliced.policy == whole.policy
    assert sliced.recorded == whole.recorded


def test_a_policy_at_rest_costs_no_further_work() -> None:
    bandit, choice = BY_LABEL["group-relative", "OneSide-NoIS .2/.2"]
    ascent = _ascent(choice, bandit.model_copy(update={"updates": 200_000}))
    begun = time.monotonic()
    ascent.advance()
    assert time.monotonic() - begun < 10
    assert set(ascent.recorded) == recorded_updates(200_000)


def test_the_next_steps_repeat_the_last_cycle() -> None:
    left, right = [1.0, 0.0], [0.0, -1.0]
    cycle = torch.tensor([left, right, right] * 4)
    assert replayed(cycle, 4).tolist() == [left, right, right, left]
    assert replayed(cycle[:1], 2).tolist() == [left, left]
