"""Experiments in control with results: real rows, and artifacts as the jobs write them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from algorithms.catalogue import CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_specs import EvaluateControlSpec, TrainControlSpec
from algorithms.environments.table import POINT_MASS
from algorithms.evaluation.control import EPISODES, EPISODES_FILE, RISK_FILE, TRAJECTORIES_FILE
from algorithms.evaluation.risk import Tail, conditional_value_at_risk, value_at_risk
from tests.webapp.results import made
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment, Run
from webapp.jobs.models import Artifact, Job
from webapp.jobs.store import default_store

CDSA = CORRECTIONS["cdsa"].params().model_dump(mode="json")
REFERENCE = {"random": -60.0, "expert": -10.0, "source": "local-normalised"}
KEPT = 2


def evaluation_spec(correction: str = "", **changes: Any) -> dict[str, Any]:
    params = changes.pop("params", {})
    spec = EvaluateControlSpec(
        environment=changes.pop("environment", POINT_MASS),
        correction=correction,
        correction_params=CDSA | params if correction else {},
        keep_trajectories=KEPT,
        **changes,
    )
    return spec.model_dump(mode="json")


def episodes_table(
    returns: NDArray[np.float64],
    danger: NDArray[np.int64],
    *,
    first_seed: int = 1000,
    shift: float = 0.0,
) -> pa.Table:
    count = len(returns)
    ood = [0.5] * count if shift else [None] * count
    return pa.table(
        {
            "episode": range(count),
            "reset_seed": range(first_seed, first_seed + count),
            "return": returns,
            "length": [20] * count,
            "danger_steps": danger,
            "terminated": [True] * count,
            "shift_mean": [shift] * count,
            "ood_before_mean": [0.9] * count if shift else ood,
            "ood_after_mean": ood,
        },
        schema=EPISODES,
    )


def publish_evaluation(
    job: Job,
    returns: NDArray[np.float64],
    spec: Mapping[str, Any],
    *,
    danger: NDArray[np.int64] | None = None,
    reference: Mapping[str, Any] | None = REFERENCE,
) -> Artifact:
    """Store what an `evaluate_control` job leaves behind."""
    steps = np.zeros(len(returns), np.int64) if danger is None else danger
    table = episodes_table(returns, steps, shift=0.1 if spec["correction"] else 0.0)
    tail = Tail(spec["tail"], spec["tail_convention"], spec["quantile_method"])
    report = {name: spec[name] for name in ("environment", "purpose", "seed", "tail")}
    report |= {name: spec[name] for name in ("tail_convention", "quantile_method")}
    summary = {
        "episodes": len(returns),
        "return_mean": float(returns.mean()),
        "return_std": float(returns.std(ddof=1)),
        "var": float(value_at_risk(returns, tail)),
        "cvar": float(conditional_value_at_risk(returns, tail)),
        "danger_steps_mean": float(steps.mean()),
        "ms_per_action": 0.2,
    }
    store = default_store()
    staging = store.staging(job.pk, 1)
    pq.write_table(table, staging / EPISODES_FILE)
    (staging / RISK_FILE).write_text(json.dumps(report | {"reference": reference}))
    _write_trajectories(staging, spec)
    stored = store.publish(staging, job.pk, 1)
    return Artifact.objects.create(
        job=job,
        path=stored.path,
        size_bytes=stored.size_bytes,
        manifest_sha256=stored.manifest_sha256,
        summary=summary,
        attempt=1,
    )


def _write_trajectories(folder: Path, spec: Mapping[str, Any]) -> None:
    size = 4 if spec["environment"] == POINT_MASS else 3
    stored: dict[str, NDArray[Any]] = {}
    for number in range(spec["keep_trajectories"]):
        places = np.linspace(0.85, 0.1, 12)[:, None] * np.ones((1, size))
        places[:, 2:] = 0.1
        stored[f"{number}.observations"] = places.astype(np.float32)
        stored[f"{number}.actions"] = np.full((12, 2), -0.5, np.float32)
        stored[f"{number}.rewards"] = np.full(12, -1.0)
        stored[f"{number}.danger"] = np.zeros(12, bool)
    np.savez_compressed(folder / TRAJECTORIES_FILE, allow_pickle=False, **stored)


@dataclass
class ControlLab:
    """An experiment in control and what belongs to it."""

    user: User
    experiment: Experiment
    dataset: Dataset
    runs: dict[tuple[str, str, int], Run] = field(default_factory=dict)

    @property
    def run_ids(self) -> list[int]:
        """Every run."""
        return [run.pk for run in self.runs.values()]

    def run(self, algorithm: str, correction: str = "", seed: int = 0) -> Run:
        return self.runs[algorithm, correction, seed]


def returns_of(algorithm: str, correction: str, seed: int, episodes: int) -> NDArray[np.float64]:
    """Return made-up returns: what an episode asks is common to all, corrections help by 30."""
    asked = np.random.default_rng(7).normal(0, 5, episodes)
    own = np.random.default_rng([seed, len(algorithm), len(correction)]).normal(0, 1, episodes)
    struck = np.where(np.arange(episodes) % 5 == 0, -50.0, 0.0) * (not correction)
    return np.asarray(-40.0 - 2 * seed + 20 * bool(correction) + asked + own + struck)


def make_control_lab(
    *,
    algorithms: Sequence[str] = ("bc", "td3_bc"),
    corrections: Sequence[str] = ("", "cdsa"),
    seeds: Sequence[int] = (0, 1, 2),
    episodes: int = 60,
    name: str = "Does CDSA keep BC out of the zone?",
    dataset: str = "PointMass detours",
    **changes: Any,
) -> ControlLab:
    """Return an experiment whose jobs have all succeeded."""
    user = User.objects.filter(username="ada").first() or made.make_user()
    experiment = Experiment.objects.create(
        owner=user, name=name, recipe="control", config={"recipe": "control"}
    )
    collected = made.make_job("collect", f"Collect {dataset}")
    row = Dataset.objects.create(owner=user, name=dataset, job=collected)
    lab = ControlLab(user, experiment, row)
    score = made.make_job("train_score", "Score network")
    made.link(score, transitions=collected)
    for algorithm in algorithms:
        for seed in seeds:
            train = _training(algorithm, seed, collected)
            for correction in corrections:
                _evaluated(lab, (algorithm, correction, seed), train, score, episodes, changes)
    return lab


def _training(algorithm: str, seed: int, collected: Job) -> Job:
    title = CONTROL_ALGORITHMS[algorithm].title
    spec = TrainControlSpec(algorithm=algorithm, seed=seed).model_dump(mode="json")
    train = made.make_job("train_control", f"Train {title}, seed {seed}", spec=spec)
    made.link(train, transitions=collected)
    made.publish(train, {"history.parquet": pa.table({"step": [0]})}, {"steps": 400})
    made.make_points(train, {"eval_return_mean": [-90.0, -60.0, -50.0 - seed]}, every=200)
    made.make_points(train, {"loss": [1.0, 0.5, 0.3]}, every=200)
    return train


def _evaluated(  # noqa: PLR0917 - one call
    lab: ControlLab,
    key: tuple[str, str, int],
    train: Job,
    score: Job,
    episodes: int,
    changes: Mapping[str, Any],
) -> None:
    algorithm, correction, seed = key
    spec = evaluation_spec(correction, episodes=episodes, **changes)
    job = made.make_job("evaluate_control", "Evaluate", spec=spec)
    made.link(job, policy=train, **({"score": score} if correction else {}))
    returns = returns_of(algorithm, correction, seed, episodes)
    publish_evaluation(job, returns, spec, danger=(returns < -70).astype(np.int64))
    title = CONTROL_ALGORITHMS[algorithm].title
    told = {"name": "control", "policy": title, "correction": correction and "CDSA"}
    config = {"recipe": told, "train": train.spec, "evaluate": spec}
    if correction:
        config["score"] = score.spec
    lab.runs[key] = made.make_run(
        lab.experiment,
        f"{title} + CDSA" if correction else title,
        algorithm,
        seed=seed,
        config=config,
        train=train,
        evaluate=job,
    )
