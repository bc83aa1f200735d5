"""What each kind of job is told: validated specs, input roles and code versions.

A job's fingerprint is the hash of its kind, spec, inputs' fingerprints and `version`. Raise a
kind's version in the commit that changes what its code computes.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from algorithms.asking import Grading, Prompt, Rewards, Sampling, VLLMSettings
from algorithms.base import Schema
from algorithms.control_kinds import CONTROL_KINDS
from algorithms.curation.mixing import MixSpec
from algorithms.curation.steps import CurateSpec
from algorithms.kind import Kind
from algorithms.online.settings import Replay, Schedule, batches_misfit
from algorithms.settings import LLMSettings
from algorithms.sources import DatasetSource, ModelSource
from algorithms.verification import VerifySpec, WeighSpec


class DatasetSpec(Schema):
    """A `dataset` job: rows (id, prompt, answer, split) from a generator, a file or the hub."""

    source: Annotated[DatasetSource, Field(discriminator="source")]


class UploadSpec(Schema):
    """An artifact that a person uploaded; never computed, identified by its content."""

    sha256: str
    """Hash of the stored rows."""


class PolicySpec(Schema):
    """A `policy` job: a model folder that transformers can load, whatever it is made from."""

    source: Annotated[ModelSource, Field(discriminator="source")]


class GenerateSpec(Schema):
    """A `generate` job: n completions per prompt, with behaviour log-probs per token."""

    split: str = "train"
    """Split whose prompts are completed."""
    prompt: Prompt = Prompt()
    """How problems are put to the policy."""
    prompts: int | None = Field(None, ge=1)
    """Use the first prompts only; empty uses all."""
    completions: int = Field(8, ge=1, le=1024)
    """Completions per prompt (G)."""
    sampling: Sampling = Sampling()
    """How completions are drawn."""
    batch_size: int = Field(512, ge=1, le=65_536)
    """Completions generated (by transformers) and scored side by side."""
    seed: int = Field(0, ge=0)
    """Seed of the draw."""
    engine: Literal["transformers", "vllm"] = "transformers"
    """What samples: transformers needs nothing more; vLLM is many times faster on GPUs."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the model that samples; bfloat16 is faster and a little off the model that is
    trained. How far off is measured and shown."""
    logprob_precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the stored log-probabilities, by the code that trains. Choose that of the
    training: then the ratio is exactly 1 before the first update."""
    vllm: VLLMSettings = VLLMSettings()
    """Of the engine vllm only."""

    @field_validator("vllm")
    @classmethod
    def _only_of_its_engine(cls, settings: VLLMSettings, info: ValidationInfo) -> VLLMSettings:
        """Forget settings that change nothing, so that equal jobs have equal fingerprints."""
        return settings if info.data.get("engine") == "vllm" else VLLMSettings()


class ScoreSpec(Schema):
    """A `score` job: behaviour log-probs of rollouts computed again, by the code that trains."""

    batch_size: int = Field(512, ge=1, le=65_536)
    """Completions scored side by side."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the network; choose that of the training."""
    # Left out where it is not asked for: what was scored before it could be stays the same job.
    further_columns: bool = Field(False, exclude_if=lambda value: not value)
    """Keep what else the rollouts say: the pairs of a curation, the sets of a mixture."""


class GradeSpec(Schema):
    """A `grade` job: a grade and a reward for every completion."""

    grading: Grading = Grading()
    """How completions are judged."""
    rewards: Rewards = Rewards()
    """What each grade is worth."""


class TrainSpec(Schema):
    """A `train` job: one algorithm, one seed, from one policy and one fixed set of completions."""

    algorithm: str
    """File name of the algorithm, such as topr."""
    params: Mapping[str, Any] = {}
    """Its hyperparameters, complete (defaults filled in)."""
    settings: LLMSettings = LLMSettings()
    """What every algorithm shares."""
    seed: int = Field(0, ge=0)
    """Seed of data order and sampling."""
    train_split: str = "train"
    """Split that `references` algorithms learn from; rollouts carry their own."""
    eval_split: str = "test"
    """Held-out split."""
    prompt: Prompt = Prompt()
    """How held-out problems (and references) are put to the policy."""
    sampling: Sampling = Sampling()
    """How held-out completions are drawn."""
    grading: Grading = Grading()
    """How held-out completions are judged."""
    keep_optimizer: bool = False
    """Whether the artifact keeps the optimizer's state, for a training that carries it on."""


class OnlineSpec(Schema):
    """An `online` job: generation and training in one, the policy's own completions, one seed."""

    algorithm: str
    """File name of the algorithm, such as rec."""
    params: Mapping[str, Any] = {}
    """Its hyperparameters, complete (defaults filled in)."""
    settings: LLMSettings = LLMSettings()
    """What every algorithm shares."""
    seed: int = Field(0, ge=0)
    """Seed of the order of prompts, of sampling and of what the algorithm draws."""
    generate: GenerateSpec = GenerateSpec()
    """How a batch is written: prompts, completions per prompt, sampling and engine."""
    prompts_per_step: int = Field(16, ge=1, le=65_536)
    """Prompts completed per update; times the completions per prompt, the completions written."""
    schedule: Schedule = Schedule()
    """When the generator takes over trained weights, and how far it is ahead."""
    replay: Replay = Replay()
    """What waits between generation and training."""
    grading: Grading = Grading()
    """How completions are judged, held-out ones too."""
    rewards: Rewards = Rewards()
    """What each grade is worth."""
    eval_split: str = "test"
    """Held-out split."""
    sampling: Sampling = Sampling()
    """How held-out completions are drawn."""

    @model_validator(mode="after")
    def _batches_fit(self) -> "OnlineSpec":
        problem = batches_misfit(
            self.settings.batch_size, self.prompts_per_step * self.generate.completions, self.replay
        )
        if problem:
            raise ValueError(problem)
        return self


class EvaluateSpec(Schema):
    """An `evaluate` job: greedy and sampled outcomes of one policy on every held-out problem."""

    split: str = "test"
    """Split whose problems are asked."""
    prompt: Prompt = Prompt()
    """How problems are put to the policy."""
    problems: int | None = Field(None, ge=1)
    """Use the first problems only; empty uses all."""
    samples: int = Field(4, ge=0, le=1024)
    """Completions sampled per problem, besides the greedy one."""
    sampling: Sampling = Sampling()
    """How completions are drawn."""
    grading: Grading = Grading()
    """How completions are judged."""
    batch_size: int = Field(512, ge=1, le=65_536)
    """Completions generated side by side."""
    seed: int = Field(0, ge=0)
    """Seed of the draw."""


TRAININGS = frozenset({"train", "online"})
"""Kinds that leave a policy trained by an algorithm of the catalogue, its history and ratios."""


KINDS: Mapping[str, Kind] = {
    "upload": Kind(UploadSpec, version=1),
    "dataset": Kind(DatasetSpec, version=2),
    "policy": Kind(PolicySpec, version=1),
    "generate": Kind(GenerateSpec, version=3, roles=("policy", "dataset")),
    "score": Kind(ScoreSpec, version=2, roles=("rollouts", "policy")),
    "grade": Kind(GradeSpec, version=3, roles=("rollouts",)),
    "curate": Kind(CurateSpec, version=1, roles=("rollouts",)),
    "verify": Kind(VerifySpec, version=1, roles=("rollouts",)),
    "mix": Kind(
        MixSpec,
        version=1,
        roles=("source_1", "source_2"),
        optional_roles=("source_3", "source_4"),
    ),
    "train": Kind(
        TrainSpec,
        version=4,
        roles=("policy", "eval_dataset"),
        optional_roles=("rollouts", "dataset", "reference", "optimizer"),
    ),
    "online": Kind(
        OnlineSpec,
        version=2,
        roles=("policy", "dataset", "eval_dataset"),
        optional_roles=("reference",),
    ),
    "evaluate": Kind(EvaluateSpec, version=4, roles=("policy", "dataset")),
    "weigh": Kind(WeighSpec, version=1, roles=("solutions", "verdicts")),
    **CONTROL_KINDS,
}
