"""Risky PointMass: vector T13, and the many-at-once form equals the environment."""

import gymnasium
import numpy as np
import pytest

import algorithms.environments.registry  # noqa: F401 - registers it
from algorithms.environments.episodes import play
from algorithms.environments.point_mass import PointMassEpisodes, in_danger
from algorithms.environments.table import POINT_MASS


def test_a_step_moves_by_a_tenth_and_pays_for_the_distance_before_it() -> None:
    environment = gymnasium.make(POINT_MASS)
    environment.reset(seed=0, options={"place": (0.85, 0.85)})
    observation, reward, terminated, truncated, information = environment.step(
        np.array([-1.0, -1.0], np.float32)
    )
    assert observation[:2] == pytest.approx([0.75, 0.75], abs=1e-6)
    assert reward == pytest.approx(-1.1606602, abs=1e-6)
    assert (terminated, truncated, information["danger"]) == (False, False, False)


def test_the_zone_is_the_disc() -> None:
    assert in_danger(np.array([0.5, 0.5]))
    assert not in_danger(np.array([0.5, 0.801]))


def test_the_penalty_strikes_one_step_in_ten_inside_the_zone_and_none_outside() -> None:
    environment = gymnasium.make(POINT_MASS).unwrapped
    environment.reset(seed=1)
    struck = {}
    for place in ((0.5, 0.5), (0.9, 0.9)):
        rewards = []
        for _ in range(4000):
            environment.place = np.array(place)  # type: ignore[attr-defined]
            rewards.append(float(environment.step(np.zeros(2, np.float32))[1]))
        struck[place] = np.mean(np.array(rewards) < -40)
    assert struck[0.5, 0.5] == pytest.approx(0.1, abs=0.015)
    assert struck[0.9, 0.9] == 0


def test_it_ends_near_the_goal_or_after_a_hundred_steps() -> None:
    environment = gymnasium.make(POINT_MASS)
    environment.reset(seed=0, options={"place": (0.16, 0.1)})
    assert environment.step(np.array([-0.2, 0.0], np.float32))[2]
    environment.reset(seed=0)
    ends = [environment.step(np.zeros(2, np.float32))[2:4] for _ in range(100)]
    assert ends[98] == (False, False)
    assert ends[99] == (False, True)


@pytest.mark.parametrize("start", ["evaluation", "training"])
def test_episodes_at_once_are_those_of_the_environment_seed_by_seed(start: str) -> None:
    random = np.random.default_rng(0)
    script = random.uniform(-1, 0.4, (100, 5, 2)).astype(np.float32)
    seeds = [11, 12, 13, 14, 2**40]
    steps = iter(range(100))

    def act(observations: np.ndarray, episodes: np.ndarray) -> np.ndarray:
        chosen: np.ndarray = script[next(steps), episodes]
        return chosen

    found = play(PointMassEpisodes(start), seeds, act)  # type: ignore[arg-type]
    for place, seed in enumerate(seeds):
        environment = gymnasium.make(POINT_MASS, start=start)
        environment.reset(seed=seed)
        total, length, danger, ended = 0.0, 0, 0, False
        while not ended:
            _, reward, terminated, truncated, information = environment.step(script[length, place])
            total, length, danger = (
                total + float(reward),
                length + 1,
                danger + information["danger"],
            )
            ended = terminated or truncated
        assert found.returns[place] == pytest.approx(total, abs=1e-9)
        assert found.lengths[place] == length
        assert found.danger_steps[place] == danger


def test_evaluation_starts_in_the_far_corner_and_training_outside_the_zone() -> None:
    corner = PointMassEpisodes("evaluation").reset(list(range(200)))[:, :2].astype(float)
    assert (corner >= 0.8 - 1e-6).all()
    assert (corner <= 0.85 + 1e-6).all()
    anywhere = PointMassEpisodes("training").reset(list(range(200)))[:, :2].astype(float)
    assert not in_danger(anywhere).any()
    assert anywhere.std(axis=0).min() > 0.2
