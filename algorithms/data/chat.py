"""The chat template and the tokenizer of a policy's folder, without loading transformers."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from algorithms.base import UserError

_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")


class FolderTokenizer:
    """What a transformers folder says about text: its chat template and its tokens.

    Attributes:
        chat_template: the Jinja source, None where the folder has none.
    """

    def __init__(self, folder: Path) -> None:
        config = folder / "tokenizer_config.json"
        self._config = json.loads(config.read_text("utf-8")) if config.is_file() else {}
        alone = folder / "chat_template.jinja"
        listed = self._config.get("chat_template")
        own = alone.read_text("utf-8") if alone.is_file() else listed
        self.chat_template: str | None = own if isinstance(own, str) else None
        vocabulary = folder / "tokenizer.json"
        self._tokenizer = Tokenizer.from_file(str(vocabulary)) if vocabulary.is_file() else None

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        """Return the text of a conversation, as transformers would write it.

        Raises:
            UserError: the template refuses the conversation.
        """
        if tokenize or self.chat_template is None:
            raise ValueError("there is no template, or tokens were asked for")
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _to_json
        environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
        special = {name: _text(self._config.get(name)) for name in _SPECIAL}
        try:
            return environment.from_string(self.chat_template).render(
                messages=conversation, add_generation_prompt=add_generation_prompt, **special
            )
        except TemplateError as error:
            raise UserError(f"The policy's chat template refuses this prompt: {error}.") from error

    def tokens(self, text: str, *, special: bool) -> list[str] | None:
        """Return the tokens of a text; None where the folder has no tokenizer.json."""
        if self._tokenizer is None:
            return None
        encoded: list[str] = self._tokenizer.encode(text, add_special_tokens=special).tokens
        return encoded


@lru_cache(maxsize=8)
def folder_tokenizer(folder: Path) -> FolderTokenizer:
    """Return the tokenizer of a folder that never changes."""
    return FolderTokenizer(folder)


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now(UTC).strftime(form)


def _text(token: object) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")
