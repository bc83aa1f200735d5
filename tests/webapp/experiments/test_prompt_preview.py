"""The prompt on the New experiment page, before the launch."""

import pytest

from algorithms.asking import Prompt
from tests.webapp.experiments.factories import Bench
from webapp.datasets.services import dataset_upload
from webapp.experiments.prompt_preview import shown_prompts

pytestmark = pytest.mark.django_db
ROWS = b'{"prompt": "1+1=", "answer": "2"}\n{"prompt": "2+2=", "answer": "4"}\n'


def test_nothing_is_shown_before_there_are_rows() -> None:
    shown = shown_prompts(Bench().config())
    assert (shown.prompts, shown.problem) == ((), "")


def test_the_first_problems_are_shown_as_the_policy_will_read_them() -> None:
    bench = Bench()
    rows = dataset_upload(owner=bench.user, name="sums", file=[ROWS], filename="sums.jsonl")
    asked = Prompt(template="Q: {question}\nA:", shots="addition_3")
    shown = shown_prompts(bench.config(dataset_id=rows.pk, prompt=asked))
    first, second = (prompt.text for prompt in shown.prompts)
    assert first.startswith("Q: 3+5=\nA: 8\n\n")
    assert first.endswith("\n\nQ: 1+1=\nA:")
    assert second.endswith("\n\nQ: 2+2=\nA:")
    assert shown.prompts[0].tokens is None


def test_what_is_missing_is_said() -> None:
    bench = Bench()
    rows = dataset_upload(owner=bench.user, name="sums", file=[ROWS], filename="sums.jsonl")
    chat = bench.config(dataset_id=rows.pk, prompt=Prompt(chat_template=True))
    assert "not made yet" in shown_prompts(chat).problem
    other = bench.config(dataset_id=rows.pk, generate={"split": "validation"})
    assert "no rows in the split 'validation'" in shown_prompts(other).problem
