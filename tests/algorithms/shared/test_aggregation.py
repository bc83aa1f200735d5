"""Aggregations are means over completions, however a batch is cut (values: test_group_vectors)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.llm import rec
from algorithms.shared.aggregation import aggregate
from tests.algorithms.batches import Example, examples


@pytest.mark.parametrize("how", ["sequence_mean", "token_mean", "sequence_sum"])
@settings(max_examples=25)
@given(examples(rewards=(-1.0, 0.5, 1.0), prompts=2), st.data())
def test_micro_batches_of_any_size_add_up_to_the_gradient_of_the_batch(
    how: str, case: Example, data: st.DataObject
) -> None:
    params = rec.Params.model_validate({"aggregation": how, "regulariser": "k2"})
    whole = case.prepared(rec.ALGORITHM, params)
    size = len(case.batch.rewards)
    cut = data.draw(st.integers(0, size))
    parts = [range(cut), range(cut, size)]
    sums = [
        whole.only(*rows).gradient(rec.ALGORITHM, params) * len(rows) / size
        for rows in parts
        if len(rows)
    ]
    torch.testing.assert_close(torch.cat(sums), whole.gradient(rec.ALGORITHM, params))


def test_a_batch_without_tokens_has_a_loss_of_zero() -> None:
    empty = torch.zeros(2, 3, dtype=torch.bool)
    assert aggregate(torch.ones(2, 3), empty, how="token_mean", mean_tokens=0.0).tolist() == [0, 0]
