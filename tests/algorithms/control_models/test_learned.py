"""What trained networks must reach: checks T14 to T18 of the reference design."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from algorithms.base import Summary
from algorithms.control.cdsa import Correction, Models, Params
from algorithms.control_base import Spaces, TransitionBatch
from algorithms.control_data.transitions import load_transitions
from algorithms.control_models.files import load_score
from algorithms.control_models.score import ScoreModel, ScoreParams
from tests.algorithms.control.worlds import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WIDE = {"noise_level": 0.36, "steps": 5, "action_gain": 1, "state_gain": 0.5}
REPAIR = {"noise_level": 0.2, "steps": 5, "action_gain": 1, "state_gain": 0}
TOO_FAR = {"noise_level": 1.0, "steps": 1, "action_gain": 0, "state_gain": 1}


@pytest.fixture(scope="module")
def gaussian_score() -> ScoreModel:
    """Return a network trained on 20,000 points of N(0, I_2)."""
    torch.set_num_threads(1)
    points = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
    points = (points - points.mean(0)) / points.std(0)
    params = ScoreParams(variables="state", hidden_size=128, hidden_layers=2)
    model = ScoreModel(Spaces(2, 1), params)
    generator = torch.Generator().manual_seed(1)
    nothing = torch.zeros(1, 256)
    for step in range(5_000):
        rows = points[torch.randint(len(points), (256,), generator=generator)][None]
        model.schedule(step, 5_000)
        batch = TransitionBatch(
            observations=rows,
            actions=nothing[..., None],
            rewards=nothing,
            next_observations=rows,
            terminated=nothing,
            normals=torch.randn(rows.shape, generator=generator),
            uniforms=torch.rand((1, 256, 1), generator=generator),
        )
        model.update(batch)
    return model


@pytest.mark.parametrize("level", [1.0, 0.59948425, 0.35938137, 0.21544347])
def test_the_score_of_a_gaussian_is_learned(gaussian_score: ScoreModel, level: float) -> None:
    queries = torch.randn(2_000, 2, generator=torch.Generator().manual_seed(2))
    queries = queries * math.sqrt(1 + level**2)
    exact = -queries / (1 + level**2)
    found = gaussian_score.score(queries, level)
    assert ((found - exact).norm() / exact.norm()).item() < 0.15
    assert torch.cosine_similarity(found, exact).mean().item() > 0.99
    far = queries.norm(dim=1) > 0.3
    assert ((found * queries).sum(dim=1)[far] < 0).all(), "a score points away from the data"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with PointMass data, a BC policy, score network and inverse dynamics."""
    root = tmp_path_factory.mktemp("pointmass")
    run("collect", root / "data", {})
    small: dict[str, Any] = {"hidden_size": 128}
    bc = {
        "algorithm": "bc",
        "params": small | {"learning_rate": 1e-3},
        "settings": {"steps": 6_000},
    }
    run("train_control", root / "bc", bc, transitions=root / "data")
    # Half the updates of the reference design reach its bands, too, for the networks.
    run("train_score", root / "score", {"settings": {"steps": 6_000}}, transitions=root / "data")
    dynamics = {"params": small | {"activation": "tanh"}, "settings": {"steps": 3_000}}
    run("train_inverse_dynamics", root / "inverse", dynamics, transitions=root / "data")
    return root


def evaluated(world: Path, name: str, correction: dict[str, Any] | None, **more: Any) -> Summary:
    spec: dict[str, Any] = {"episodes": 1000, **more}
    if correction is not None:
        params = Params.model_validate(correction | {"auxiliary": "displacement"})
        spec |= {"correction": "cdsa", "correction_params": params.model_dump(mode="json")}
    return run(
        "evaluate_control", world / name, spec,
        policy=world / "bc", score=world / "score", inverse_dynamics=world / "inverse",
    )  # fmt: skip


def number(summary: Summary, name: str) -> float:
    return float(summary[name])


def test_cdsa_keeps_bc_out_of_the_danger_zone_of_point_mass(world: Path) -> None:
    before = evaluated(world, "before", None)
    after = evaluated(world, "after", REPAIR)
    assert number(before, "cvar") < -150
    assert number(after, "return_mean") > -13
    assert number(after, "cvar") > -20
    assert number(after, "danger_steps_mean") < 0.1
    assert number(after, "ood_after_mean") < number(after, "ood_before_mean")


def test_the_same_networks_repair_a_perturbed_policy(world: Path) -> None:
    before = evaluated(world, "noisy", None, noise=0.5)
    after = evaluated(world, "noisy, corrected", WIDE, noise=0.5)
    assert number(after, "return_mean") - number(before, "return_mean") >= 30


def test_too_large_a_correction_of_the_state_hurts(world: Path) -> None:
    before = evaluated(world, "plain", None)
    after = evaluated(world, "too far", TOO_FAR)
    assert number(after, "return_mean") < number(before, "return_mean") - 100


def test_a_correction_that_changes_nothing_gives_the_same_episodes(world: Path) -> None:
    evaluated(world, "without", None, episodes=50)
    evaluated(world, "with none", REPAIR | {"steps": 0}, episodes=50)
    tables = [(world / name / "episodes.parquet").read_bytes() for name in ("without", "with none")]
    assert tables[0] == tables[1]


@pytest.mark.parametrize(("level", "least"), [(0.36, 0.8), (0.6, 0.9)])
def test_corrections_of_random_actions_point_to_the_data(
    world: Path, level: float, least: float
) -> None:
    stored = load_score(world / "score")
    data = load_transitions(world / "data")
    chosen = np.random.default_rng(0).choice(len(data), 2_000, replace=False)
    states = stored.scaling.observations(data.observations[chosen])
    theirs = stored.scaling.actions(data.actions[chosen])
    drawn = torch.rand(theirs.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    params = Params(steps=1, noise_level=level, action_gain=1, state_gain=0)
    correction = Correction(Models(score=stored.model.score), params)
    shift = correction.correct(states, drawn).action_part
    towards = ((theirs - drawn) * shift).sum(dim=1) > 0
    assert towards.float().mean().item() >= least
