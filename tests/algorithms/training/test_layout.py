"""Packed, shared and padded rows: the numbers of one sequence at a time, without the padding."""

from typing import Any

import pytest
import torch

from algorithms.base import UserError
from algorithms.training import layout
from algorithms.training.layout import Layout, passes
from algorithms.training.logprobs import Sequences, pad, token_figures, token_logprobs
from tests.algorithms.training.models import build, gradient, plain_logprobs, sequences

CPU = torch.device("cpu")
WAYS: dict[str, dict[str, Any]] = {
    "packed": {"packing": "packed"},
    "padded": {"packing": "padded"},
    "shared": {"share_prompts": True},
}


def loss_of(logprobs: torch.Tensor) -> torch.Tensor:
    """Return a loss that each token enters with another weight."""
    weights = torch.linspace(-1, 1, logprobs.numel()).view(logprobs.shape)
    return (logprobs * weights).sum() + logprobs.exp().sum()


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
@pytest.mark.parametrize("way", WAYS)
def test_loss_and_gradient_are_those_of_one_sequence_at_a_time(kind: str, way: str) -> None:
    model, rows = build(kind), sequences()
    expected = plain_logprobs(model, rows)
    found = token_logprobs(model, rows, **WAYS[way])
    torch.testing.assert_close(found, expected, rtol=0, atol=3e-6)
    ours = gradient(model, loss_of(found))
    theirs = gradient(model, loss_of(torch.where(rows.mask, expected, 0.0)))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("way", WAYS)
def test_several_passes_give_the_numbers_of_one(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = build("llama"), sequences()
    whole = token_logprobs(model, rows, **WAYS[way])
    monkeypatch.setattr(layout, "_MOST_TOKENS", {"cpu": 50})
    kind: Layout = "shared" if way == "shared" else WAYS[way]["packing"]
    assert len(list(passes(rows, kind, CPU))) > 2
    torch.testing.assert_close(token_logprobs(model, rows, **WAYS[way]), whole)


@pytest.mark.parametrize("way", WAYS)
def test_every_completion_token_is_predicted_once(way: str) -> None:
    rows = sequences()
    kind: Layout = "shared" if way == "shared" else WAYS[way]["packing"]
    made = list(passes(rows, kind, CPU))
    places = torch.cat([one.places for one in made])
    targets = torch.cat([one.targets for one in made])
    assert sorted(places.tolist()) == rows.mask.flatten().nonzero().squeeze(-1).tolist()
    width = rows.mask.shape[1]
    for place, target in zip(places.tolist(), targets.tolist(), strict=True):
        assert rows.completions[place // width][place % width] == target


def computed(rows: Sequences, kind: Layout) -> int:
    return sum(one.ids.numel() for one in passes(rows, kind, CPU))


def test_packed_rows_compute_no_padding_and_shared_ones_a_prompt_once() -> None:
    rows = sequences(groups=3, per_group=5)
    own = [len(completion) - 1 for completion in rows.completions]
    prompts = [len(prompt) for prompt in rows.prompts]
    assert 0 <= computed(rows, "packed") - (sum(own) + sum(prompts)) < 16
    assert 0 <= computed(rows, "shared") - (sum(own) + sum(prompts[::5])) < 16
    assert computed(rows, "padded") > computed(rows, "packed")


def test_equal_prompts_are_shared_wherever_they_stand() -> None:
    model = build("llama")
    rows = sequences()
    order = torch.randperm(len(rows.prompts), generator=torch.Generator().manual_seed(1)).tolist()
    mixed = pad([rows.prompts[i] for i in order], [rows.completions[i] for i in order])
    assert computed(mixed, "shared") == computed(rows, "shared")
    found = token_logprobs(model, mixed, share_prompts=True)
    torch.testing.assert_close(found, token_logprobs(model, rows, share_prompts=True)[order])


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_a_sequence_has_the_same_bits_in_any_packed_row(kind: str) -> None:
    model, rows = build(kind), sequences(groups=8)
    with torch.no_grad():
        together = token_logprobs(model, rows)
        for row, (prompt, completion) in enumerate(
            zip(rows.prompts, rows.completions, strict=True)
        ):
            alone = token_logprobs(model, pad([prompt], [completion]))[0]
            assert torch.equal(alone, together[row, : len(completion)])


@pytest.mark.parametrize("way", WAYS)
def test_the_entropy_is_that_of_the_models_own_distribution(way: str) -> None:
    model, rows = build("qwen2"), sequences(groups=1)
    figures = token_figures(model, rows, entropy=True, **WAYS[way])
    assert figures.entropy is not None
    ids = torch.tensor([[*rows.prompts[3], *rows.completions[3]]])
    log = model(input_ids=ids).logits[0, len(rows.prompts[3]) - 1 : -1].log_softmax(-1)
    count = len(rows.completions[3])
    expected = -(log.exp() * log).sum(-1).detach()
    torch.testing.assert_close(figures.entropy[3, :count], expected, rtol=1e-5, atol=1e-5)
    assert figures.entropy[3, count:].count_nonzero() == 0


@pytest.mark.parametrize("kind", ["windowed", "gemma2"])
def test_a_model_that_does_not_see_everything_is_padded_and_still_right(kind: str) -> None:
    model, rows = build(kind), sequences()
    found = token_logprobs(model, rows)
    torch.testing.assert_close(found, plain_logprobs(model, rows), rtol=0, atol=5e-6)
    for way in ({"packing": "packed"}, {"share_prompts": True}):
        with pytest.raises(UserError, match='Set packing to "auto"'):
            token_logprobs(model, rows, **way)


def test_a_model_whose_logits_come_about_in_another_way_is_refused() -> None:
    model = build("llama")
    model.lm_head.register_forward_hook(lambda _module, _inputs, output: output * 1.7)
    with pytest.raises(UserError, match="does not know how a llama model makes its logits"):
        token_logprobs(model, sequences())


def test_a_packed_models_own_forward_and_its_saved_folder_are_as_before(tmp_path: Any) -> None:
    model, rows = build("llama"), sequences()
    ids = torch.tensor([[3, 4, 5, 6]])
    before = model(input_ids=ids, attention_mask=torch.tensor([[0, 1, 1, 1]])).logits
    token_logprobs(model, rows)
    after = model(input_ids=ids, attention_mask=torch.tensor([[0, 1, 1, 1]])).logits
    assert torch.equal(before, after)
    model.save_pretrained(tmp_path)
    assert "offpolicy" not in (tmp_path / "config.json").read_text()
