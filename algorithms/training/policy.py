"""A policy in memory: model, tokenizer and the tokens that end a completion."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from algorithms.asking import Prompt
from algorithms.base import CorruptArtifactError, UserError
from algorithms.data.prompts import adds_special_tokens, build_prompts
from algorithms.data.rows import Row
from algorithms.training import lora


@dataclass(frozen=True)
class Policy:
    """A causal language model with its tokenizer, ready to sample from or to train."""

    model: Any
    """A transformers causal language model in float32."""
    tokenizer: Any
    """Its transformers tokenizer."""
    end_tokens: frozenset[int]
    """Tokens that end a completion."""
    max_tokens: int
    """Longest sequence that the model can read."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return torch.device(self.model.device)

    @property
    def end_token(self) -> int:
        """The token that is put behind a reference answer."""
        own = self.tokenizer.eos_token_id
        return own if own in self.end_tokens else min(self.end_tokens)

    def encode_prompts(self, prompts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each prompt, special tokens of the tokenizer included.

        Raises:
            UserError: a prompt has no tokens, or characters that the tokenizer does not know.
        """
        return self._encode(prompts, special=True)

    def encode_problems(self, prompt: Prompt, problems: Sequence[Row]) -> list[list[int]]:
        """Return the token ids that each problem is put to the policy with.

        Raises:
            UserError: the tokenizer has no chat template but is asked for one, or does not know
                a character.
        """
        texts = build_prompts(prompt, problems, self.tokenizer)
        return self._encode(texts, special=adds_special_tokens(prompt))

    def encode_answers(self, answers: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each answer, the end of sequence included.

        Raises:
            UserError: an answer has no tokens, or characters that the tokenizer does not know.
        """
        return [[*ids, self.end_token] for ids in self._encode(answers, special=False)]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of a completion without its end; other special tokens stay visible."""
        ids = list(tokens)
        if ids and ids[-1] in self.end_tokens:
            ids.pop()
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return text

    def save(self, folder: Path) -> None:
        """Write a transformers folder: config, tokenizer files, safetensors, adapters merged."""
        state = lora.merged_weights(self.model) if lora.has_adapters(self.model) else None
        self.model.save_pretrained(folder, state_dict=state, safe_serialization=True)
        self.tokenizer.save_pretrained(folder)

    def _encode(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        if not texts:
            return []
        encoded: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=special)[
            "input_ids"
        ]
        unknown = self.tokenizer.unk_token_id
        for text, ids in zip(texts, encoded, strict=True):
            if not ids:
                raise UserError(f"{text[:60]!r} has no tokens for this policy's tokenizer.")
            if unknown is not None and unknown in ids:
                raise UserError(
                    f"The policy's tokenizer does not know every character of {text[:60]!r}. "
                    "Choose a policy whose tokenizer covers the dataset."
                )
        return encoded


def load_policy(folder: Path, device: torch.device) -> Policy:
    """Return the policy of a transformers folder, in evaluation mode (no dropout) and float32.

    Only safetensors are read and no code of the folder is run.

    Raises:
        CorruptArtifactError: the folder does not hold a model and tokenizer that load.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, ImportError, SafetensorError) as error:
        raise CorruptArtifactError(
            f"The model folder cannot be loaded: {str(error).splitlines()[0][:300]}"
        ) from error
    model.to(device).eval()
    return Policy(
        model=model,
        tokenizer=tokenizer,
        end_tokens=_end_tokens(model, tokenizer),
        max_tokens=_max_tokens(model.config),
    )


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    for holder in (model.generation_config, model.config, tokenizer):
        ids = getattr(holder, "eos_token_id", None)
        if ids is not None:
            return frozenset(ids if isinstance(ids, list | tuple) else [ids])
    raise UserError(
        "The model names no end-of-sequence token, so its completions would never end. "
        "Set eos_token_id in its generation_config.json."
    )


def _max_tokens(config: Any) -> int:
    text_config = config.get_text_config()
    return int(getattr(text_config, "max_position_embeddings", None) or 2**31)
