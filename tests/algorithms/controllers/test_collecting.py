"""Scripted controllers, compositions, behaviour policies learned online."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from algorithms.base import Stopped, UserError
from algorithms.control_data.reading import read_file
from algorithms.control_data.transitions import load_transitions
from algorithms.control_data.validation import checked
from algorithms.control_specs import Part
from algorithms.controllers.base import Noisy
from algorithms.controllers.scripted import Beeline, scripted
from algorithms.environments.table import ENVIRONMENTS, POINT_MASS
from algorithms.jobs import train_behaviour
from algorithms.training.control_episodes import Purpose, reset_seeds, rollouts, tuning_returns
from tests.algorithms.control.worlds import Heard, run


def test_detours_go_around_the_danger_on_both_sides_and_the_beeline_does_not() -> None:
    seeds = reset_seeds("tuning", 0, 200)
    found = rollouts(scripted("detour", POINT_MASS), POINT_MASS, seeds, keep=200)[0]
    assert found.terminated.all()
    assert found.danger_steps.mean() < 0.1
    middle = found.observations[7][:, 0] - found.observations[7][:, 1]
    assert 0.3 < (middle > 0).mean() < 0.7
    straight = rollouts(scripted("beeline", POINT_MASS), POINT_MASS, seeds)[0]
    assert straight.danger_steps.mean() > 3


def test_the_pendulum_is_swung_up() -> None:
    returns = tuning_returns(scripted("swing_up", "Pendulum-v1"), "Pendulum-v1", 6)
    random = tuning_returns(scripted("random", "Pendulum-v1"), "Pendulum-v1", 6)
    assert returns.mean() > -500
    assert random.mean() < -900


def test_waypoints_lead_through_the_maze() -> None:
    seeds = reset_seeds("tuning", 0, 3)
    found = rollouts(scripted("waypoints", "PointMaze_UMaze-v3"), "PointMaze_UMaze-v3", seeds)
    assert (np.concatenate([each.returns for each in found]) > 0).all()


def test_reset_seeds_of_two_purposes_never_meet() -> None:
    purposes: list[Purpose] = ["tuning", "reporting", "collect", "reference"]
    drawn = [set(reset_seeds(each, seed, 1000)) for each in purposes for seed in (0, 1, 99_999)]
    assert len(set().union(*drawn)) == 1000 * len(drawn)
    assert reset_seeds("tuning", 3, 5)[2:] == reset_seeds("tuning", 3, 3, first=2)


def test_noise_depends_on_the_seed_and_the_step_alone() -> None:
    noisy, places = Noisy(Beeline(), 0.3, "test"), np.full((2, 4), 0.5, np.float32)
    noisy.start([5, 6], 10)
    first = noisy.act(places, np.array([0, 1]))
    second = noisy.act(places[:1], np.array([1]))
    noisy.start([6], 10)
    again = [noisy.act(places[:1], np.array([0])) for _ in range(2)]
    np.testing.assert_array_equal(again[0][0], first[1])
    np.testing.assert_array_equal(again[1][0], second[0])


def test_a_composition_has_its_shares_and_says_where_it_came_from(tmp_path: Path) -> None:
    parts = [
        {"behaviour": "detour", "noise": 0.1, "share": 3},
        {"behaviour": "random", "share": 1},
    ]
    spec = {"parts": parts, "amount": 80, "reference_episodes": 20, "hdf5": True}
    summary = run("collect", tmp_path / "data", spec)
    data = load_transitions(tmp_path / "data")
    assert summary["episodes"] == len(data.ends) == 80
    assert data.returns()[:60].mean() > data.returns()[60:].mean()
    assert data.metadata["provenance"]["collected"]["parts"][0]["noise"] == 0.1
    reference = data.metadata["reference"]
    assert reference["source"] == "local-normalised"
    assert reference["expert"] > reference["random"]
    arrays = read_file(tmp_path / "data" / "transitions.hdf5", "auto").arrays
    np.testing.assert_array_equal(checked(arrays, data.metadata).observations, data.observations)
    following = data.next_observations[:-1][~(data.terminated | data.truncated)[:-1]]
    np.testing.assert_array_equal(
        following, data.observations[1:][~(data.terminated | data.truncated)[:-1]]
    )


def test_collecting_repeats_from_its_seed_and_counts_steps(tmp_path: Path) -> None:
    spec = {"amount": 300, "unit": "steps", "reference_episodes": 5, "seed": 4}
    for folder in ("one", "two"):
        run("collect", tmp_path / folder, spec)
    run("collect", tmp_path / "other", spec | {"seed": 5})
    found = [load_transitions(tmp_path / name) for name in ("one", "two", "other")]
    assert [len(each) for each in found] == [300, 300, 300]
    np.testing.assert_array_equal(found[0].observations, found[1].observations)
    assert (found[0].observations != found[2].observations).any()


def test_a_composition_that_cannot_be_is_refused(tmp_path: Path) -> None:
    for number, (parts, message) in enumerate((
        ([{"behaviour": "policy"}], "which the job was not given"),
        ([{"behaviour": "swing_up"}], "no scripted controller 'swing_up'"),
        ([{"behaviour": "random"}, {"behaviour": "random", "share": 1e-9}], "gets none of the"),
    )):  # fmt: skip
        with pytest.raises(UserError, match=message):
            run("collect", tmp_path / f"{number}", {"parts": parts, "amount": 10})


def test_collecting_stops_when_asked(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run("collect", tmp_path / "data", {"amount": 50}, reporter=Heard(100))


@pytest.mark.parametrize("algorithm", ["sac", "td3"])
def test_a_behaviour_policy_learns_in_stages_and_collects(tmp_path: Path, algorithm: str) -> None:
    spec = {
        "algorithm": algorithm, "steps": 300, "stages": 2, "evaluate_episodes": 1,
        "hidden_size": 16,
    }  # fmt: skip
    heard = Heard()
    summary = run("train_behaviour", tmp_path / "policy", spec, reporter=heard)
    assert summary["stages"] == "step-150, final"
    assert [step for step, _ in heard.points] == [150, 300]
    record = json.loads((tmp_path / "policy" / "policy.json").read_text())
    assert record["stages"] == ["step-150", "final"]
    part = {"behaviour": "policy", "stage": "step-150", "stochastic": algorithm == "sac"}
    collect = {
        "environment": "Pendulum-v1", "parts": [part], "amount": 2, "reference_episodes": 1,
    }  # fmt: skip
    run("collect", tmp_path / "data", collect, policy=tmp_path / "policy")
    data = load_transitions(tmp_path / "data")
    assert len(data) == 400
    assert data.truncated.sum() == 2
    assert np.abs(data.actions).max() <= 2
    wrong = collect | {"environment": "Hopper-v5"}
    with pytest.raises(UserError, match="is for Pendulum-v1"):
        run("collect", tmp_path / "wrong", wrong, policy=tmp_path / "policy")


@pytest.mark.parametrize("algorithm", ["sac", "td3"])
def test_an_interrupted_training_ends_with_the_same_bits(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_behaviour, "CHECKPOINT_EVERY", 250)
    spec = {
        "algorithm": algorithm, "steps": 900, "stages": 3, "evaluate_episodes": 1,
        "hidden_size": 16, "keep_replay": True,
    }  # fmt: skip
    whole = Heard()
    run("train_behaviour", tmp_path / "whole", spec, reporter=whole)
    for stop_after in (500, 700):
        with pytest.raises(Stopped):
            run("train_behaviour", tmp_path / "cut", spec, reporter=Heard(stop_after))
    last = Heard()
    run("train_behaviour", tmp_path / "cut", spec, reporter=last)
    assert "Resumed from the checkpoint of step 600." in last.messages
    assert last.points == [point for point in whole.points if point[0] > 600]
    files = sorted(path.relative_to(tmp_path / "whole") for path in _files(tmp_path / "whole"))
    assert [str(each) for each in files if each.suffix == ".safetensors"]
    for each in files:
        assert (tmp_path / "cut" / each).read_bytes() == (tmp_path / "whole" / each).read_bytes()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_replay_is_what_the_training_met_up_to_a_stage(tmp_path: Path) -> None:
    spec = {
        "algorithm": "td3", "steps": 700, "stages": 7, "evaluate_episodes": 1, "hidden_size": 16,
        "keep_replay": True,
    }  # fmt: skip
    run("train_behaviour", tmp_path / "policy", spec)
    met = load_transitions(tmp_path / "policy" / "replay")
    assert (len(met), met.ends.tolist()) == (700, [200, 400, 600, 700])
    assert met.truncated.sum() == 3
    inside = ~(met.terminated | met.truncated)[:-1]
    np.testing.assert_array_equal(met.next_observations[:-1][inside], met.observations[1:][inside])
    # Pendulum's law: what was stored must be what the simulator answers to the stored action.
    _, sine, speed = met.observations.T.astype(np.float64)
    torque = met.actions[:, 0].astype(np.float64)
    faster = np.clip(speed + (15 * sine + 3 * torque) * 0.05, -8, 8)
    np.testing.assert_allclose(met.next_observations[:, 2], faster, atol=1e-4)
    part = {"behaviour": "policy", "replay": True, "stage": "step-500"}
    collect = {
        "environment": "Pendulum-v1", "parts": [part], "amount": 2, "reference_episodes": 1,
    }  # fmt: skip
    run("collect", tmp_path / "data", collect, policy=tmp_path / "policy")
    found = load_transitions(tmp_path / "data")
    assert found.lengths.tolist() in ([200, 200], [200, 100])
    rows = {row.tobytes() for row in met.observations[:500]}
    assert all(row.tobytes() in rows for row in found.observations)
    by_steps = collect | {"unit": "steps", "amount": 450}
    run("collect", tmp_path / "steps", by_steps, policy=tmp_path / "policy")
    assert len(load_transitions(tmp_path / "steps")) == 450
    with pytest.raises(UserError, match="met 500 steps up to the stage step-500"):
        run("collect", tmp_path / "no", by_steps | {"amount": 501}, policy=tmp_path / "policy")


def test_a_replay_needs_a_policy_that_kept_one(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="replay needs a policy"):
        Part(behaviour="detour", replay=True)
    small = {"steps": 100, "stages": 1, "evaluate_episodes": 1, "hidden_size": 16}
    run("train_behaviour", tmp_path / "policy", small)
    collect = {
        "environment": "Pendulum-v1", "parts": [{"behaviour": "policy", "replay": True}],
        "amount": 1,
    }  # fmt: skip
    with pytest.raises(UserError, match="Train one with keep_replay"):
        run("collect", tmp_path / "data", collect, policy=tmp_path / "policy")


@pytest.mark.parametrize("name", [n for n, e in ENVIRONMENTS.items() if e.family != "antmaze"])
def test_every_environment_loads_and_steps(name: str) -> None:
    found = rollouts(
        scripted("random", name), name, reset_seeds("tuning", 0, 1), parallel=1, keep=1
    )[0]
    assert found.lengths[0] <= ENVIRONMENTS[name].horizon
    assert np.isfinite(found.returns).all()
