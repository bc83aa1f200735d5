"""Generation: the model's own distribution, independent of batching, ended by its end token."""

import copy
import dataclasses
import math
from collections import Counter

import pytest
import torch

from algorithms.asking import Sampling
from algorithms.base import Stopped, UserError
from algorithms.training.policy import Policy
from algorithms.training.requests import GREEDY, Completion, Request
from algorithms.training.rollout_hf import complete

SAMPLING = Sampling(max_new_tokens=12)
TEXTS = ["1+2=", "3+4=", "12+34=", "5=", "1+1+1+1=", "77+8="]


def requests(policy: Policy, samples: int = 5) -> list[Request]:
    prompts = policy.encode_prompts(TEXTS)
    return [
        Request(text, sample, tokens)
        for text, tokens in zip(TEXTS, prompts, strict=True)
        for sample in (GREEDY, *range(samples))
    ]


def made(policy: Policy, asked: list[Request], size: int, seed: int = 3) -> list[Completion]:
    return complete(policy, asked, SAMPLING, seed=seed, batch_size=size)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_completion_does_not_depend_on_batch_size_or_order(policy: Policy, size: int) -> None:
    asked = requests(policy)
    expected = made(policy, asked, 7)
    assert made(policy, asked[::-1], size)[::-1] == expected
    assert made(policy, asked[4:5], size) == expected[4:5]


def test_samples_differ_by_seed_prompt_and_number(policy: Policy) -> None:
    asked = requests(policy)
    first, second = made(policy, asked, 64), made(policy, asked, 64, seed=4)
    sampled = [i for i, request in enumerate(asked) if request.sample != GREEDY]
    assert len({tuple(first[i].tokens) for i in sampled}) > 0.8 * len(sampled)
    assert sum(first[i] == second[i] for i in sampled) < 0.2 * len(sampled)


def test_greedy_is_what_transformers_generates_from_uneven_prompts(policy: Policy) -> None:
    asked = [request for request in requests(policy) if request.sample == GREEDY]
    for request, completion in zip(asked, made(policy, asked, 64), strict=True):
        ids = torch.tensor([request.tokens])
        theirs = policy.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12
        )
        assert completion.tokens == theirs[0, len(request.tokens) :].tolist()


def test_samples_follow_the_models_distribution(policy: Policy) -> None:
    with torch.no_grad():
        policy.model.lm_head.weight.mul_(30)  # far from uniform
    [tokens] = policy.encode_prompts(["1+2="])
    count = 4000
    asked = [Request("p", sample, tokens) for sample in range(count)]
    done = complete(policy, asked, Sampling(max_new_tokens=1), seed=0, batch_size=512)
    seen = Counter(completion.tokens[0] for completion in done)
    expected = policy.model(input_ids=torch.tensor([tokens])).logits[0, -1].softmax(-1).tolist()
    for token, probability in enumerate(expected):
        deviation = math.sqrt(probability * (1 - probability) / count)
        assert abs(seen[token] / count - probability) <= 5 * deviation + 1e-9


def test_the_end_token_is_kept_and_nothing_follows_it(policy: Policy) -> None:
    done = made(policy, requests(policy, samples=30), 64)
    assert {completion.finish_reason for completion in done} == {"stop", "length"}
    for completion in done:
        ends = [token in policy.end_tokens for token in completion.tokens]
        assert ends[-1] == (completion.finish_reason == "stop")
        assert not any(ends[:-1])
        assert completion.finish_reason == "stop" or len(completion.tokens) == 12


def test_a_completion_that_would_not_fit_the_model_says_so(policy: Policy) -> None:
    with pytest.raises(UserError, match="The longest prompt has 8 tokens; with 12 new ones"):
        made(dataclasses.replace(policy, max_tokens=19), requests(policy), 8)


def test_weights_that_are_not_numbers_are_named_as_the_cause(policy: Policy) -> None:
    with torch.no_grad():
        policy.model.lm_head.weight.fill_(torch.nan)
    with pytest.raises(UserError, match="its weights are broken"):
        made(policy, requests(policy), 8)


def test_generation_ends_when_its_progress_callback_raises(policy: Policy) -> None:
    def stop(_: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        complete(policy, requests(policy), SAMPLING, seed=0, batch_size=4, on_progress=stop)


def test_progress_counts_up_to_all_completions(policy: Policy) -> None:
    seen: list[int] = []
    complete(policy, requests(policy), SAMPLING, seed=0, batch_size=16, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 36


def stopped_early(policy: Policy, stop: tuple[str, ...], size: int = 64) -> list[Completion]:
    sampling = SAMPLING.model_copy(update={"stop": stop})
    return complete(policy, requests(policy, 30), sampling, seed=3, batch_size=size)


def test_a_stop_text_ends_a_completion_and_is_cut_off_with_its_tokens_kept(policy: Policy) -> None:
    free = made(policy, requests(policy, 30), 64)
    stopped = stopped_early(policy, ("23", "7"))
    cut = 0
    for before, after in zip(free, stopped, strict=True):
        whole = policy.decode(before.tokens)
        places = [whole.find(text) for text in ("23", "7") if text in whole]
        assert after.tokens == before.tokens[: len(after.tokens)]
        assert after.text == (whole[: min(places)] if places else whole)
        if places:
            cut += 1
            written = policy.decode(after.tokens)
            assert written.endswith(("23", "7"))
            assert after.finish_reason == "stop"
        else:
            assert after == before
    assert cut > 20


def test_stopped_completions_do_not_depend_on_the_batch_size(policy: Policy) -> None:
    assert stopped_early(policy, ("23",), size=5) == stopped_early(policy, ("23",))


def test_sampling_in_bfloat16_tells_its_own_logprobs(policy: Policy) -> None:
    asked = requests(policy, 4)
    done = complete(policy, asked, SAMPLING, seed=3, batch_size=64, precision="bfloat16")
    assert policy.model.dtype == torch.float32
    rounded = copy.deepcopy(policy.model).to(torch.bfloat16)
    for request, completion in zip(asked, done, strict=True):
        ids = torch.tensor([[*request.tokens, *completion.tokens]])
        logits = rounded(input_ids=ids).logits[0, len(request.tokens) - 1 : -1].float()
        expected = logits.log_softmax(-1).gather(-1, ids[0, len(request.tokens) :, None])[:, 0]
        assert completion.engine_logprobs == pytest.approx(expected.tolist(), abs=0.02)
    assert all(one.engine_logprobs is None for one in made(policy, asked, 64))
