"""An evaluation: paired episodes, purposes apart, networks that belong together, warnings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from algorithms.base import UserError
from algorithms.environments.table import POINT_MASS
from algorithms.evaluation.control import load_episodes, load_trajectories
from tests.algorithms.control.worlds import Heard, random_transitions, run

FEW = {"steps": 20, "batch_size": 16}
SMALL = {"hidden_size": 8}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a beeline and hardly trained networks of PointMass."""
    root = tmp_path_factory.mktemp("evaluation")
    run("collect", root / "data", {"amount": 60, "reference_episodes": 20})
    run("control_policy", root / "policy", {"source": "scripted", "controller": "beeline"})
    run(
        "train_score", root / "score", {"params": SMALL, "settings": FEW}, transitions=root / "data"
    )
    state = {"params": SMALL | {"variables": "state"}, "settings": FEW}
    run("train_score", root / "state", state, transitions=root / "data")
    dynamics = {"params": SMALL | {"forward": True}, "settings": FEW}
    run("train_inverse_dynamics", root / "inverse", dynamics, transitions=root / "data")
    return root


def evaluate(world: Path, folder: Path, *roles: str, **spec: Any) -> dict[str, Any]:
    inputs = {"policy": world / "policy"} | {
        role: world / {"inverse_dynamics": "inverse", "state_score": "state"}.get(role, role)
        for role in roles
    }
    spec = {"episodes": 60, **spec}
    return dict(run("evaluate_control", folder, spec, reporter=Heard(), **inputs))


def column(folder: Path, name: str) -> list[Any]:
    return list(load_episodes(folder).column(name).to_pylist())


def test_equal_seeds_give_equal_episodes_and_purposes_share_none(
    world: Path, tmp_path: Path
) -> None:
    evaluate(world, tmp_path / "one")
    evaluate(world, tmp_path / "two", "score", correction="cdsa")
    evaluate(world, tmp_path / "tuning", purpose="tuning")
    evaluate(world, tmp_path / "other", seed=1)
    seeds = {
        name: column(tmp_path / name, "reset_seed") for name in ("one", "two", "tuning", "other")
    }
    assert seeds["one"] == seeds["two"]
    assert not set(seeds["one"]) & (set(seeds["tuning"]) | set(seeds["other"]))
    starts = [load_trajectories(tmp_path / name)[0].observations[0] for name in ("one", "two")]
    np.testing.assert_array_equal(*starts)
    assert column(tmp_path / "one", "return") != column(tmp_path / "two", "return")


@pytest.mark.parametrize("density", ["joint", "state", "both"])
@pytest.mark.parametrize("auxiliary", ["displacement", "delta", "next"])
def test_every_form_of_the_correction_runs_and_shifts_actions(
    world: Path, tmp_path: Path, density: str, auxiliary: str
) -> None:
    params = {
        "steps": 2, "density": density, "auxiliary": auxiliary, "state_gain": 0.5,
        "anneal_from": 0.5, "max_shift": 0.3,
    }  # fmt: skip
    summary = evaluate(
        world, tmp_path / "out", "score", "state_score", "inverse_dynamics",
        correction="cdsa", correction_params=params, episodes=5,
    )  # fmt: skip
    assert 0 < summary["shift_mean"] <= 2 * 0.3 + 1e-6


def test_figures_are_those_of_the_episodes(world: Path, tmp_path: Path) -> None:
    summary = evaluate(world, tmp_path / "out", "score", keep_trajectories=3)
    returns = np.array(column(tmp_path / "out", "return"))
    assert summary["return_mean"] == pytest.approx(returns.mean())
    assert summary["cvar"] == pytest.approx(np.sort(returns)[:6].mean())
    danger = np.array(column(tmp_path / "out", "danger_steps"))
    assert summary["violation_share"] == pytest.approx((danger > 0).mean())
    kept = load_trajectories(tmp_path / "out")
    assert len(kept) == 3
    for number, trajectory in enumerate(kept):
        assert trajectory.rewards.sum() == pytest.approx(returns[number])
        assert trajectory.danger.sum() == danger[number]
        assert len(trajectory.actions) == column(tmp_path / "out", "length")[number]


def test_few_episodes_warn(world: Path, tmp_path: Path) -> None:
    heard = Heard()
    run(
        "evaluate_control", tmp_path / "few", {"episodes": 49}, policy=world / "policy",
        reporter=heard,
    )  # fmt: skip
    assert "at least 50" in heard.messages[0]


def test_networks_that_do_not_belong_together_are_refused(world: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs a score network of observations and actions"):
        evaluate(world, tmp_path / "a", correction="cdsa")
    with pytest.raises(UserError, match="no correction 'magic'"):
        evaluate(world, tmp_path / "b", correction="magic")
    with pytest.raises(UserError, match="The setting steps of CDSA, reference design"):
        evaluate(world, tmp_path / "c", "score", correction="cdsa", correction_params={"steps": -1})
    folder = tmp_path / "data"
    folder.mkdir()
    random_transitions().save(folder)
    run("train_score", tmp_path / "score", {"params": SMALL, "settings": FEW}, transitions=folder)
    with pytest.raises(UserError, match="trained on different data sets"):
        run(
            "evaluate_control", tmp_path / "d", {"environment": POINT_MASS},
            policy=world / "policy", score=tmp_path / "score", inverse_dynamics=world / "inverse",
        )  # fmt: skip
    with pytest.raises(UserError, match="score network of the variables 'joint'"):
        run(
            "evaluate_control", tmp_path / "e", {}, policy=world / "policy",
            score=world / "state",
        )  # fmt: skip
