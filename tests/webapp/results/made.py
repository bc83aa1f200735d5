"""Experiments with results: real rows, and real Parquet artifacts in a store of the test's own."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Regex, Tokenizer, decoders
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from algorithms import demo
from algorithms.catalogue import ALGORITHMS
from algorithms.data.tables import GRADED, OUTCOMES, OUTCOMES_FILE, ROLLOUTS_FILE
from algorithms.metrics import EVAL_METRICS, TRAIN_METRICS
from webapp.accounts.models import User
from webapp.experiments.models import Experiment, ExperimentJob, Run
from webapp.jobs.models import Artifact, Job, JobInput, MetricPoint
from webapp.jobs.states import JobState
from webapp.jobs.store import default_store

CHARACTERS = "0123456789+="
FINAL = {"reinforce": 0.0, "ppo": 0.0, "tis": 0.01, "positives": 0.68, "topr": 0.71}
"""Sampled accuracy that each algorithm ends with."""


def make_user(name: str = "ada") -> User:
    return User.objects.create_user(username=name, password="a password for tests")


def make_job(
    kind: str, title: str, *, state: str = JobState.SUCCEEDED, spec: Mapping[str, Any] | None = None
) -> Job:
    failure = {"failure_class": "bug"} if state == JobState.FAILED else {}
    return Job.objects.create(
        kind=kind,
        title=title,
        spec=spec or {},
        fingerprint=uuid.uuid4().hex,
        code_version="1",
        state=state,
        attempt=1,
        **failure,
    )


def link(job: Job, **sources: Job) -> None:
    for role, source in sources.items():
        JobInput.objects.create(job=job, role=role, source=source)


def publish(job: Job, files: Mapping[str, pa.Table], summary: Mapping[str, Any]) -> Artifact:
    """Store the tables as the job's artifact."""
    store = default_store()
    staging = store.staging(job.pk, 1)
    for name, table in files.items():
        pq.write_table(table, staging / name, row_group_size=8192, compression="zstd")
    stored = store.publish(staging, job.pk, 1)
    return Artifact.objects.create(
        job=job,
        path=stored.path,
        size_bytes=stored.size_bytes,
        manifest_sha256=stored.manifest_sha256,
        summary=dict(summary),
        attempt=1,
    )


def _tokenizer() -> Tokenizer:
    """Return what `algorithms.training.tiny` saves, without loading transformers."""
    names = ["<pad>", "<eos>", "<unk>", *CHARACTERS]
    vocabulary = {token: place for place, token in enumerate(names)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def make_policy() -> Job:
    """Return a policy job whose artifact has a tokenizer, and no weights."""
    job = make_job("policy", "Tiny Llama")
    store = default_store()
    staging = store.staging(job.pk, 1)
    _tokenizer().save(str(staging / "tokenizer.json"))
    stored = store.publish(staging, job.pk, 1)
    Artifact.objects.create(
        job=job,
        path=stored.path,
        size_bytes=stored.size_bytes,
        manifest_sha256=stored.manifest_sha256,
        attempt=1,
    )
    return job


@dataclass
class Rollout:
    """One completion to store."""

    prompt_id: str
    sample: int
    prompt: str = "12+34="
    answer: str = "46"
    completion: str = "46"
    logprobs: Sequence[float] = (-0.1, -0.7, -0.01)
    grade: str = "correct"
    reward: float = 1.0
    finish_reason: str = "stop"


def graded_table(rollouts: Sequence[Rollout]) -> pa.Table:
    """Return the rows of a grade artifact; a token is a character, then the end of sequence."""
    ids = {character: 3 + place for place, character in enumerate(CHARACTERS)}
    return pa.Table.from_pylist(
        [
            {
                "prompt_id": one.prompt_id,
                "sample": one.sample,
                "prompt": one.prompt,
                "answer": one.answer,
                "prompt_tokens": [ids.get(character, 2) for character in one.prompt],
                "completion": one.completion,
                "tokens": [ids.get(character, 2) for character in one.completion] + [1],
                "logprobs": list(one.logprobs),
                "finish_reason": one.finish_reason,
                "grade": one.grade,
                "reward": one.reward,
            }
            for one in rollouts
        ],
        schema=GRADED,
    )


def random_rollouts(prompts: int, completions: int, *, seed: int = 0) -> list[Rollout]:
    """Return additions of which a quarter is solved."""
    random = np.random.default_rng(seed)
    made = []
    for prompt in range(prompts):
        a, b = (int(one) for one in random.integers(10, 100, 2))
        for sample in range(completions):
            draw = random.random()
            grade = "correct" if draw < 0.25 else "incorrect" if draw < 0.95 else "invalid"
            wrong = str(a + b + int(random.integers(1, 9)))
            text = {"correct": str(a + b), "incorrect": wrong, "invalid": f"{wrong}+"}[grade]
            made.append(
                Rollout(
                    prompt_id=f"train-{prompt:05d}",
                    sample=sample,
                    prompt=f"{a}+{b}=",
                    answer=str(a + b),
                    completion=text,
                    logprobs=[float(one) for one in -random.exponential(0.8, len(text) + 1)],
                    grade=grade,
                    reward=1.0 if grade == "correct" else -1.0,
                )
            )
    return made


def make_rollouts(rollouts: Sequence[Rollout], *, policy: Job | None = None) -> Job:
    """Return a grade job with these completions, its generate job and policy behind it."""
    policy = policy or make_policy()
    dataset = make_job("dataset", "Two-digit addition")
    generate = make_job("generate", "Completions", spec=demo.GENERATE.model_dump(mode="json"))
    link(generate, policy=policy, dataset=dataset)
    grade = make_job("grade", "Graded completions of two-digit addition")
    link(grade, rollouts=generate)
    table = graded_table(rollouts)
    counts = dict.fromkeys(("correct", "incorrect", "invalid"), 0)
    for one in rollouts:
        counts[one.grade] += 1
    mean = sum(one.reward for one in rollouts) / max(1, len(rollouts))
    bare = table.drop_columns(["grade", "reward"])
    publish(generate, {ROLLOUTS_FILE: bare}, {"completions": len(rollouts)})
    summary = {"completions": len(rollouts), **counts, "reward_mean": mean}
    publish(grade, {ROLLOUTS_FILE: table}, summary)
    return grade


def make_evaluation(
    policy: Job,
    *,
    accuracy: float,
    seed: int = 0,
    problems: int = 400,
    samples: int = 4,
    title: str = "Evaluate",
) -> Job:
    """Return an evaluate job whose sampled accuracy is about `accuracy`."""
    job = make_job("evaluate", title, spec=demo.EVALUATE.model_dump(mode="json"))
    link(job, policy=policy)
    random = np.random.default_rng(seed)
    difficulty = np.random.default_rng(99).normal(0, 0.15, problems)
    invalid = max(0.005, 0.99 - 50 * accuracy) if accuracy < 0.05 else 0.005
    rows = []
    for problem in range(problems):
        for sample in range(-1, samples):
            share = min(1.0, accuracy + 0.1) if sample == -1 and accuracy > 0.05 else accuracy
            solved = random.random() < share + (difficulty[problem] if accuracy > 0.05 else 0)
            grade = "correct" if solved else "invalid" if random.random() < invalid else "incorrect"
            answer = str(10 + 2 * (problem % 90))
            rows.append(
                {
                    "prompt_id": f"test-{problem:04d}",
                    "prompt": f"{10 + problem % 90}+{problem % 90}=",
                    "answer": answer,
                    "parsed": {"correct": answer, "incorrect": "1", "invalid": None}[grade],
                    "finish_reason": "length" if grade == "invalid" else "stop",
                    "repetition": 0.0,
                    "sample": sample,
                    "completion": "42",
                    "n_tokens": 3,
                    "grade": grade,
                }
            )
    publish(job, {OUTCOMES_FILE: pa.Table.from_pylist(rows, schema=OUTCOMES)}, summary_of(rows))
    return job


def summary_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the evaluate job would have written."""
    greedy = [row for row in rows if row["sample"] == -1]
    drawn = [row for row in rows if row["sample"] != -1]
    summary: dict[str, Any] = {
        "problems": len(greedy),
        "samples": len(drawn) // max(1, len(greedy)),
        "greedy_accuracy": sum(row["grade"] == "correct" for row in greedy) / len(greedy),
    }
    if drawn:
        summary["pass_at_1"] = sum(row["grade"] == "correct" for row in drawn) / len(drawn)
        summary["invalid_share"] = sum(row["grade"] == "invalid" for row in drawn) / len(drawn)
        summary["tokens_mean"] = sum(row["n_tokens"] for row in drawn) / len(drawn)
    return summary


def make_points(job: Job, metrics: Mapping[str, Sequence[float]], *, every: int = 1) -> None:
    """Log each metric at steps 0, every, 2 every...; 128 samples and about 390 tokens a step."""
    random = np.random.default_rng(job.pk)
    points = []
    for name, values in metrics.items():
        for place, value in enumerate(values):
            step = place * every
            tokens = step * 390 + int(random.integers(0, 20))
            points.append(
                MetricPoint(
                    job=job,
                    name=name,
                    step=step,
                    samples=128 * step,
                    tokens=tokens,
                    seconds=0.21 * step,
                    value=value,
                )
            )
    MetricPoint.objects.bulk_create(points, batch_size=5000)


@dataclass
class Lab:
    """An experiment and what belongs to it."""

    user: User
    experiment: Experiment
    rollouts: Job
    policy: Job
    base: Run
    runs: dict[tuple[str, int], Run] = field(default_factory=dict)

    @property
    def run_ids(self) -> list[int]:
        """Every run, the base policy's first."""
        return [self.base.pk, *(run.pk for run in self.runs.values())]

    def run(self, algorithm: str, seed: int = 0) -> Run:
        return self.runs[algorithm, seed]

    def job(self, role: str, algorithm: str, seed: int = 0) -> Job:
        return self.runs[algorithm, seed].needs.get(role=role).job


def make_run(
    experiment: Experiment,
    label: str,
    algorithm: str,
    *,
    seed: int = 0,
    config: Mapping[str, Any] | None = None,
    **jobs: Job,
) -> Run:
    run = Run.objects.create(
        experiment=experiment,
        position=experiment.runs.count(),
        label=label,
        algorithm=algorithm,
        seed=seed,
        config=config or {},
    )
    for role, job in jobs.items():
        ExperimentJob.objects.create(experiment=experiment, run=run, job=job, role=role)
    return run


def train_config(algorithm: str, seed: int, **settings: Any) -> dict[str, Any]:
    """Return the specs of a training's own jobs, as planned."""
    params = ALGORITHMS[algorithm].params().model_dump(mode="json")
    train = {
        "algorithm": algorithm,
        "params": params,
        "settings": demo.SETTINGS.model_copy(update=settings).model_dump(mode="json"),
        "seed": seed,
    }
    return {"train": train, "evaluate": demo.EVALUATE.model_dump(mode="json")}


def make_lab(
    *,
    algorithms: Sequence[str] = ("reinforce", "positives", "topr"),
    seeds: Sequence[int] = (0, 1),
    steps: int = 20,
    prompts: int = 6,
    problems: int = 40,
    name: str = "Does TOPR need its taper?",
    full: bool = False,
) -> Lab:
    """Return an experiment whose jobs have all succeeded; `full` logs every declared metric."""
    user = User.objects.filter(username="ada").first() or make_user()
    experiment = Experiment.objects.create(owner=user, name=name, tags=["demo"], config={})
    policy = make_policy()
    rollouts = make_rollouts(random_rollouts(prompts, 8), policy=policy)
    evaluation = make_evaluation(policy, accuracy=0.28, problems=problems, title="Evaluate base")
    config = {"evaluate": demo.EVALUATE.model_dump(mode="json")}
    base = make_run(experiment, "base policy", "", config=config, evaluate=evaluation)
    lab = Lab(user, experiment, rollouts, policy, base)
    for algorithm in algorithms:
        for seed in seeds:
            final = FINAL[algorithm] + (0.01 * seed if FINAL[algorithm] > 0.05 else 0)
            title = f"{ALGORITHMS[algorithm].title}, seed {seed}"
            train = make_job("train", f"Train {title}")
            link(train, policy=policy, rollouts=rollouts)
            publish(train, {"history.parquet": pa.table({"step": [0]})}, {"steps": steps})
            _train_points(train, final, steps, full=full)
            lab.runs[algorithm, seed] = make_run(
                experiment,
                ALGORITHMS[algorithm].title,
                algorithm,
                seed=seed,
                config=train_config(algorithm, seed),
                train=train,
                evaluate=make_evaluation(
                    train,
                    accuracy=final,
                    seed=train.pk,
                    problems=problems,
                    title=f"Evaluate {title}",
                ),
            )
    return lab


def _train_points(train: Job, final: float, steps: int, *, full: bool) -> None:
    random = np.random.default_rng(train.pk)
    noise = random.normal(0, 0.05, steps)
    every = max(1, steps // 5)
    rise = 1 - np.exp(-np.arange(0, steps + 1, every) / (steps / 3))
    accuracy = np.clip(0.28 + (final - 0.28) * rise + random.normal(0, 0.01, rise.size), 0, 1)
    names = [metric.name for metric in TRAIN_METRICS] if full else ["loss"]
    metrics = {name: (np.linspace(1, 0.2, steps) + noise).tolist() for name in names}
    make_points(train, metrics)
    evaluations = [metric.name for metric in EVAL_METRICS] if full else ["eval_sampled_accuracy"]
    make_points(train, {name: accuracy.tolist() for name in evaluations}, every=every)
