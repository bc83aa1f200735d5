"""The first batch on the page of a training."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from algorithms.data.tables import FIRST_BATCH, FIRST_BATCH_FILE
from tests.webapp.results.made import make_job, publish
from webapp.jobs.states import JobState

pytestmark = pytest.mark.django_db
TITLE = "First batch, token by token"


def table() -> pa.Table:
    row = {
        "prompt": ["1", "+", "<b>"],
        "completion": ["4", "<eos>"],
        "logprobs": [-0.5, -0.25],
        "reward": -1.0,
        "advantage": -0.5,
        "unit": 3,
        "batch_size": 128,
    }
    return pa.Table.from_pylist([row], schema=FIRST_BATCH)


def test_prompt_tokens_are_masked_and_the_others_have_their_probability(browser: Client) -> None:
    job = make_job("train", "topr, seed 0", spec={"algorithm": "topr"})
    publish(job, {FIRST_BATCH_FILE: table()}, {})
    assert TITLE in browser.get(f"/jobs/{job.pk}/").content.decode()
    text = browser.get(f"/jobs/{job.pk}/first-batch/").content.decode()
    assert "first 1 of the 128 completions" in text
    assert '<span class="token masked">&lt;b&gt;</span>' in text
    assert 'probability 0.607">4</span>' in text
    assert "advantage -0.5" in text


def test_a_running_training_shows_that_of_its_newest_attempt(browser: Client, var: Path) -> None:
    job = make_job("train", "topr, seed 0", state=JobState.QUEUED, spec={"algorithm": "topr"})
    text = browser.get(f"/jobs/{job.pk}/first-batch/").content.decode()
    assert "Not there yet" in text
    folder = var / "checkpoints" / str(job.pk) / "1"
    folder.mkdir(parents=True)
    pq.write_table(table(), folder / FIRST_BATCH_FILE)
    assert "of the 128" in browser.get(f"/jobs/{job.pk}/first-batch/").content.decode()


def test_only_trainings_have_one(browser: Client) -> None:
    job = make_job("generate", "completions", spec={})
    assert TITLE not in browser.get(f"/jobs/{job.pk}/").content.decode()
