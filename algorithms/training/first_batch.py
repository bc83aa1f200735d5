"""What a training looked at first, token by token: the check that data are what one thinks."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from algorithms.data.tables import FIRST_BATCH, FIRST_BATCH_FILE
from algorithms.training.data_order import DataOrder
from algorithms.training.gradient import Lesson, WholeBatch
from algorithms.training.policy import Policy

MOST = 8
"""Completions that are written down; a batch may hold thousands."""


def write_first_batch(lesson: Lesson, policy: Policy, folder: Path) -> None:
    """Write the first completions of the first update to the folder, replacing what is there."""
    units = DataOrder(lesson.units, lesson.settings, lesson.seed).batch(0)
    whole = WholeBatch.of(lesson, units, step=0, size=lesson.settings.micro_batch_size)
    shown = slice(0, MOST)
    rows = units.rows[shown]
    _, batch = whole.part(shown, torch.device("cpu"))
    prompts, completions = lesson.data.prompts.take(rows), lesson.data.completions.take(rows)
    records = []
    for place, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        counted = batch.mask[place]
        texts = _texts(policy, [*prompt.tolist(), *completion.tolist()])
        records.append(
            {
                "prompt": texts[: len(prompt)],
                "completion": texts[len(prompt) :],
                "logprobs": batch.behaviour_logprobs[place][counted].tolist(),
                "reward": float(batch.rewards[place]),
                "advantage": float(batch.advantages[place]),
                "unit": int(batch.unit_index[place]),
                "batch_size": len(units.rows),
            }
        )
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{FIRST_BATCH_FILE}.part"
    pq.write_table(pa.Table.from_pylist(records, schema=FIRST_BATCH), part)
    part.rename(folder / FIRST_BATCH_FILE)


def _texts(policy: Policy, tokens: list[int]) -> list[str]:
    """Return the text that each token adds: alone, many tokenizers drop its space."""
    so_far, texts = "", []
    for end in range(1, len(tokens) + 1):
        text = policy.tokenizer.decode(
            tokens[:end], skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        texts.append(text[len(so_far) :])
        so_far = text
    return texts
