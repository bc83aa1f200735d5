"""log pi per token: right, blind to padding, and the same bits in batches of any size."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from algorithms.asking import Sampling
from algorithms.sources import TinyLlama
from algorithms.specs import GenerateSpec, GradeSpec
from algorithms.training import tiny
from algorithms.training.completions import TrainingSet, load_rollouts
from algorithms.training.layout import padded_length
from algorithms.training.logprobs import pad, token_logprobs
from algorithms.training.policy import Policy, load_policy
from tests.algorithms.training.world import World


def all_logprobs(policy: Policy, data: TrainingSet, size: int) -> list[float]:
    found = []
    for indices in torch.split(torch.randperm(len(data)), size):
        sequences, _ = data.batch(indices.numpy(), torch.device("cpu"))
        logprobs = token_logprobs(policy.model, sequences)
        found += list(zip(indices.tolist(), logprobs, sequences.mask, strict=True))
    found.sort(key=lambda row: row[0])
    return torch.cat([values[mask] for _, values, mask in found]).tolist()


@pytest.mark.parametrize("size", [1, 7, 64, 160])
def test_the_ratio_is_exactly_one_before_the_first_update_in_batches_of_any_size(
    shared_world: World, policy: Policy, size: int
) -> None:
    data = load_rollouts(shared_world.folder / "graded", policy)
    stored = torch.tensor(data.behaviour_logprobs.values)  # type: ignore[union-attr]
    now = torch.tensor(all_logprobs(policy, data, size))
    assert torch.equal((now - stored).exp(), torch.ones_like(now))


def test_the_ratio_is_exactly_one_for_long_completions_of_uneven_length_too(
    world: World, tmp_path: Path
) -> None:
    source = TinyLlama(
        hidden_size=64,
        layers=2,
        heads=2,
        intermediate_size=128,
        max_tokens=256,
        characters="".join(map(chr, range(33, 127))),  # the more there are, the later an end comes
    )
    folder = tmp_path / "long"
    folder.mkdir()
    tiny.build(source, folder)
    long = GenerateSpec(prompts=12, completions=5, sampling=Sampling(max_new_tokens=200))
    world.run("long rollouts", "generate", long, policy="long", dataset="dataset")
    world.run("long graded", "grade", GradeSpec(), rollouts="long rollouts")
    policy = load_policy(folder, torch.device("cpu"))
    data = load_rollouts(tmp_path / "long graded", policy)
    assert int(data.completions.lengths.max()) > 128 > int(data.completions.lengths.min())
    stored = torch.tensor(data.behaviour_logprobs.values)  # type: ignore[union-attr]
    for size in (1, 8, 60):
        now = torch.tensor(all_logprobs(policy, data, size))
        assert torch.equal(now, stored)


def test_logprobs_are_the_log_softmax_of_the_logits_one_position_earlier(policy: Policy) -> None:
    prompt, completion = policy.encode_prompts(["1+2="])[0], [5, 7, 1]
    sequences = pad([prompt], [completion])
    ids = torch.tensor([prompt + completion])
    expected = policy.model(input_ids=ids).logits.log_softmax(-1)[0]
    for position, token in enumerate(completion):
        ours = token_logprobs(policy.model, sequences)[0, position]
        torch.testing.assert_close(ours, expected[len(prompt) + position - 1, token])


def test_padding_and_other_rows_change_nothing(policy: Policy) -> None:
    prompts = policy.encode_prompts(["1+2=", "12+34+56="])
    completions = [[5, 1], [6, 7, 8, 1]]
    both = token_logprobs(policy.model, pad(prompts, completions))
    for row in (0, 1):
        alone = token_logprobs(policy.model, pad([prompts[row]], [completions[row]]))
        assert torch.equal(both[row, : len(completions[row])], alone[0])
    assert both[0].count_nonzero() == 2


def test_one_sequence_alone_has_the_bits_it_has_among_many_whatever_its_lengths(
    policy: Policy,
) -> None:
    torch.manual_seed(0)
    lengths = [(p, c) for p in range(1, 18) for c in range(1, 7)] * 3
    prompts = [torch.randint(0, 15, (p,)).tolist() for p, _ in lengths]
    completions = [torch.randint(0, 15, (c,)).tolist() for _, c in lengths]
    together = token_logprobs(policy.model, pad(prompts, completions))
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        alone = token_logprobs(policy.model, pad([prompt], [completion]))[0]
        assert torch.equal(alone, together[row, : len(completion)]), lengths[row]


def test_bfloat16_comes_close_and_stays_in_float32(policy: Policy) -> None:
    sequences = pad([[3, 4]], [[5, 1]])
    exact = token_logprobs(policy.model, sequences)
    mixed = token_logprobs(policy.model, sequences, precision="bfloat16")
    assert mixed.dtype == torch.float32
    assert 0 < (exact - mixed).abs().max() < 0.05


def test_stored_logprobs_are_untempered_and_untruncated(world: World) -> None:
    cold = GenerateSpec(completions=1, sampling=Sampling(temperature=0.1, top_k=1))
    world.run("cold", "generate", cold, policy="policy", dataset="dataset")
    logprobs = pq.read_table(world.folder / "cold" / "rollouts.parquet")["logprobs"].to_pylist()
    assert all(value < -0.5 for row in logprobs for value in row)


@pytest.mark.parametrize(
    ("length", "padded"), [(1, 2), (8, 8), (9, 10), (15, 16), (17, 24), (25, 32), (1000, 1024)]
)
def test_padding_grows_with_the_length_by_half_at_most(length: int, padded: int) -> None:
    assert padded_length(length) == padded
