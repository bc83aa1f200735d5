"""A `policy` job: a model folder that transformers can load, with safetensors only."""

import fnmatch
import json
import shutil
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from algorithms.base import JobContext, Summary, UserError
from algorithms.data.roots import MODEL_ROOTS_VARIABLE, allowed_hub_name, allowed_path
from algorithms.sources import GGUFModel, HubModel, LocalModel, PackagedModel, TinyLlama
from algorithms.specs import PolicySpec
from algorithms.training import gguf, tiny
from algorithms.training.policy import load_policy
from algorithms.training.runtime import configure

_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "model.safetensors",
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
)
"""All that is taken from a folder or the hub: nothing here runs code when it is loaded."""


def run(spec: PolicySpec, context: JobContext) -> Summary:
    """Write the model folder, load it once as a test, and return its size.

    Raises:
        UserError: the source is not allowed, not there, or not such a model.
    """
    device = configure(seed=0)
    match spec.source:
        case TinyLlama():
            tiny.build(spec.source, context.output)
        case LocalModel():
            _copy(allowed_path(spec.source.path, MODEL_ROOTS_VARIABLE), context.output)
        case HubModel():
            _download(spec.source, context.output)
        case GGUFModel():
            gguf.convert(_gguf_file(spec.source), context.output)
        case PackagedModel():
            gguf.convert(gguf.packaged(spec.source), context.output)
    policy = load_policy(context.output, device)
    parameters = sum(weight.numel() for weight in policy.model.parameters())
    context.reporter.message(f"{parameters:,} parameters, {len(policy.tokenizer):,} tokens.")
    return {
        "parameters": parameters,
        "vocabulary": len(policy.tokenizer),
        "max_tokens": policy.max_tokens,
        "architecture": type(policy.model).__name__,
    }


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise UserError(f"{source.name!r} is not a folder; give the folder that holds config.json.")
    for path in sorted(source.iterdir()):
        if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in _FILES):
            shutil.copyfile(allowed_path(str(path), MODEL_ROOTS_VARIABLE), target / path.name)
    _check(target, str(source.name))


def _gguf_file(source: GGUFModel) -> Path:
    path = allowed_path(source.path, MODEL_ROOTS_VARIABLE)
    if not path.is_file():
        raise UserError(f"{path.name!r} is not a file; give the path of the GGUF file itself.")
    return path


def _download(source: HubModel, target: Path) -> None:
    name = allowed_hub_name(source.name)
    try:
        snapshot_download(
            name, revision=source.revision, allow_patterns=list(_FILES), local_dir=target
        )
    except (LocalEntryNotFoundError, ConnectionError) as error:
        raise UserError(
            f"The hub cannot be reached from this worker to load {name}. Download the model "
            "where there is a network, and give its folder as a path."
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:300]
        raise UserError(f"{name} at {source.revision!r} could not be loaded: {reason}") from error
    shutil.rmtree(target / ".cache", ignore_errors=True)
    _check(target, name)


def _check(folder: Path, name: str) -> None:
    if not (folder / "config.json").is_file():
        raise UserError(f"{name} has no config.json, so it is not a transformers model folder.")
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{name} has no safetensors weights. Other formats can run code when they are loaded "
            "and are refused; convert it with save_pretrained."
        )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"The config.json of {name} is not valid JSON: {error}.") from error
    if not isinstance(config, dict) or "auto_map" in config:
        raise UserError(f"{name} needs code of its own to load, which is never run here.")
