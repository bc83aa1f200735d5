"""vLLM takes over trained weights while it is up: by way of memory, and it writes with them."""

from pathlib import Path

import pytest
import torch

from algorithms.asking import Rewards, Sampling, VLLMSettings
from algorithms.online.settings import Schedule
from algorithms.settings import LLMSettings
from algorithms.specs import GenerateSpec, OnlineSpec
from algorithms.training.online.generator import Generator
from algorithms.training.policy import Policy, load_policy
from algorithms.training.requests import Request
from tests.algorithms.training.world import Recorder, World

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(900)]

GENERATE = GenerateSpec(
    engine="vllm",
    completions=4,
    sampling=Sampling(max_new_tokens=8),
    vllm=VLLMSettings(enforce_eager=True),
)


def changed(policy: Policy) -> Policy:
    """Return a policy of other weights."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in policy.model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.1)
    return policy


def gap(engine: list[float] | None, trainer: list[float]) -> float:
    assert engine is not None
    return max(abs(a - b) for a, b in zip(engine, trainer, strict=True))


def test_a_generator_writes_with_the_weights_that_it_took_over_and_nothing_touches_a_disk(
    shared_world: World, policy: Policy, tmp_path: Path
) -> None:
    folder = shared_world.folder / "policy"
    [tokens] = policy.encode_prompts(["1+2="])
    requests = [Request("p", sample, tokens) for sample in range(12)]
    own = load_policy(folder, torch.device("cpu"))
    files = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    with Generator(GENERATE, own, folder, longest=len(tokens)) as generator:
        before = generator.write(requests, seed=3)
        again = generator.write(requests, seed=3)
        generator.take_over(changed(policy).model)
        after = generator.write(requests, seed=3)
    tokens_of = [[one.tokens for one in made.completions] for made in (before, again, after)]
    assert tokens_of[0] == tokens_of[1] != tokens_of[2]
    for made in (before, after):
        pairs = zip(made.completions, made.logprobs, strict=True)
        assert max(gap(one.engine_logprobs, list(own)) for one, own in pairs) < 1e-4
    assert before.logprobs != after.logprobs
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == files


def test_an_online_job_by_vllm_synchronises_as_its_schedule_says(world: World) -> None:
    spec = OnlineSpec(
        algorithm="reinforce",
        settings=LLMSettings(
            steps=6,
            batch_size=16,
            micro_batch_size=16,
            learning_rate=1e-2,
            evaluate_every=0,
            evaluate_problems=4,
        ),
        generate=GENERATE,
        prompts_per_step=4,
        schedule=Schedule(sync_interval=2, sync_offset=1),
        rewards=Rewards(incorrect=0.5),
    )
    reporter = Recorder()
    inputs = {"policy": "policy", "dataset": "dataset", "eval_dataset": "dataset"}
    world.run("out", "online", spec, reporter=reporter, **inputs)
    assert [reporter.points[step]["generator_version"] for step in range(6)] == [0, 0, 2, 2, 4, 4]
    gaps = [reporter.points[step]["rollout_logprob_gap"] for step in range(5)]
    assert max(gaps) < 1e-4
    # The weights did change: what is learned from late is no longer what would be written.
    assert reporter.points[5]["kl_behaviour_k3"] > 1e-3
    assert sum("started" in message or "vLLM 0." in message for message in reporter.messages) == 1
