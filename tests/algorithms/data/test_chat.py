"""The chat template of a folder, against transformers; and its tokens."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from algorithms.asking import Prompt
from algorithms.base import UserError
from algorithms.data.chat import FolderTokenizer
from algorithms.data.prompts import build_prompt
from algorithms.data.rows import Row

TEMPLATE = """{{ bos_token }}
{%- for message in messages %}
    {%- if message['role'] == 'robot' %}{{ raise_exception('no robots') }}{% endif %}
{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>' }}
{% endfor %}
{% if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""
SAID = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " 1+1=? "}]


@pytest.fixture(params=["beside the config", "none"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    inner = Tokenizer(models.WordLevel({"<s>": 0, "1": 1, "+": 2, "=": 3, "?": 4}, unk_token="?"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>")  # type: ignore[no-untyped-call]
    if request.param != "none":
        tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_conversations_are_written_as_transformers_writes_them(folder: Path) -> None:
    theirs, ours = PreTrainedTokenizerFast.from_pretrained(folder), FolderTokenizer(folder)
    assert ours.chat_template == theirs.chat_template
    if ours.chat_template is None:
        with pytest.raises(UserError, match="no chat template"):
            build_prompt(Prompt(chat_template=True), Row("1", "q", "a", "test"), ours)
        return
    for ask in (True, False):
        expected = theirs.apply_chat_template(SAID, tokenize=False, add_generation_prompt=ask)
        written = ours.apply_chat_template(SAID, tokenize=False, add_generation_prompt=ask)
        assert written == expected
    with pytest.raises(UserError, match="no robots"):
        ours.apply_chat_template(
            [{"role": "robot", "content": ""}], tokenize=False, add_generation_prompt=True
        )


def test_a_text_is_shown_as_its_tokens(folder: Path) -> None:
    assert FolderTokenizer(folder).tokens("1 + 1 =", special=True) == ["1", "+", "1", "="]
