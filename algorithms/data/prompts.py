"""The text that a policy is shown of a problem: template, worked examples, chat template."""

from collections.abc import Sequence
from typing import Any, Protocol

from algorithms.asking import Prompt
from algorithms.base import UserError
from algorithms.data.rows import Row
from algorithms.data.shots import SHOTS

PLACE = "{question}"
_GAP = "\n\n"
"""Between two examples, and between them and the problem."""


class ChatTemplate(Protocol):
    """What turns a conversation into text: a transformers tokenizer does."""

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> Any:
        """Return the text of a conversation that ends where the policy is to answer."""


def build_prompts(
    prompt: Prompt, rows: Sequence[Row], tokenizer: ChatTemplate | None = None
) -> list[str]:
    """Return the text that each problem is put to the policy with.

    A text that a chat template made holds the special tokens already: encode it without adding
    any (`adds_special_tokens`).

    Raises:
        UserError: a chat template is asked for and the tokenizer has none.
    """
    return [build_prompt(prompt, row, tokenizer) for row in rows]


def build_prompt(prompt: Prompt, row: Row, tokenizer: ChatTemplate | None = None) -> str:
    """Return the text that one problem is put to the policy with.

    Raises:
        UserError: a chat template is asked for and the tokenizer has none.
    """
    question = _ask(prompt, row.prompt)
    examples = [prompt.examples.rstrip("\n")] if prompt.examples.strip() else []
    if prompt.chat_template:
        return _chat(prompt, _GAP.join([*examples, question]), tokenizer)
    solved = [_solved(_ask(prompt, shot.question), shot.answer) for shot in SHOTS[prompt.shots]]
    system = [prompt.system] if prompt.system else []
    return _GAP.join([*system, *solved, *examples, question])


def adds_special_tokens(prompt: Prompt) -> bool:
    """Whether the tokenizer's own special tokens are still to be added to the built text."""
    return not prompt.chat_template


def _ask(prompt: Prompt, question: str) -> str:
    return prompt.template.replace(PLACE, question)


def _solved(asked: str, answer: str) -> str:
    """Return a worked example: the answer where the policy would write its own."""
    return f"{asked}{'' if asked[-1:].isspace() else ' '}{answer}"


def _chat(prompt: Prompt, question: str, tokenizer: ChatTemplate | None) -> str:
    if tokenizer is None or getattr(tokenizer, "chat_template", None) is None:
        raise UserError(
            "The policy's tokenizer has no chat template. Switch the chat template off, or choose "
            "a policy that was trained to chat."
        )
    said = [{"role": "system", "content": prompt.system}] if prompt.system else []
    for shot in SHOTS[prompt.shots]:
        said.append({"role": "user", "content": _ask(prompt, shot.question)})
        said.append({"role": "assistant", "content": shot.answer})
    said.append({"role": "user", "content": question})
    text = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
    return str(text)
