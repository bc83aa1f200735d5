"""What every algorithm must keep, whoever wrote it; a new file is tested without a line here."""

import json
import math
from collections.abc import Iterator

import latex2mathml.converter
import pytest
import torch

from algorithms import specs
from algorithms.__main__ import build_parser, params_flags, settings_flags
from algorithms.base import LLMAlgorithm, Outcomes, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.metrics import EVAL_METRICS, TRAIN_METRICS
from algorithms.settings import LLMSettings
from algorithms.shared.batches import advantages
from algorithms.shared.gradient import gradient_coefficient
from tests.algorithms.batches import Example
from tests.algorithms.toy import Toy
from webapp.results.figures.palette import LOOKS

FOLDERS = ["--policy=p", "--rollouts=r", "--dataset=d", "--eval-dataset=e", "--output=o"]


@pytest.fixture(params=list(ALGORITHMS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def algorithm(name: str) -> LLMAlgorithm:
    return ALGORITHMS[name]


def all_params(algorithm: LLMAlgorithm) -> Iterator[Schema]:
    for preset in ({}, *algorithm.presets.values()):
        yield algorithm.params.model_validate(preset)


def is_schema(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Schema) and bool(value.model_fields)


def folders(algorithm: LLMAlgorithm) -> list[str]:
    unused = "--dataset" if algorithm.trains_on == "rollouts" else "--rollouts"
    return [flag for flag in FOLDERS if not flag.startswith(unused)]


def random_example(algorithm: LLMAlgorithm, params: Schema) -> Example:
    """Return 12 completions, 2 of each prompt, as the trainer would hand them to the loss."""
    toy = Toy(seed=0)
    drawn, batch = toy.rollouts(12, 4)
    toy.theta = torch.tensor([0.7, -0.4])
    case = Example(toy.logprobs(drawn).double(), batch)
    return case.with_reference(batch.behaviour_logprobs - 0.2).prepared(algorithm, params)


def test_settings_survive_json(algorithm: LLMAlgorithm) -> None:
    for params in all_params(algorithm):
        dumped = json.loads(json.dumps(params.model_dump(mode="json")))
        assert algorithm.params.model_validate(dumped) == params


def test_defaults_are_what_the_command_line_gives(name: str, algorithm: LLMAlgorithm) -> None:
    arguments = build_parser().parse_args([name, *folders(algorithm)])
    assert params_flags(algorithm).read(arguments, {}) == algorithm.params()
    assert settings_flags(algorithm).read(arguments, {}) == LLMSettings()


def test_settings_survive_the_command_line(name: str, algorithm: LLMAlgorithm) -> None:
    for params in all_params(algorithm):
        typed = params_flags(algorithm).write(params)
        arguments = build_parser().parse_args([name, *folders(algorithm), *typed])
        assert params_flags(algorithm).read(arguments, {}) == params


def test_a_step_is_finite_repeats_from_its_seed_and_gives_the_declared_metrics(
    algorithm: LLMAlgorithm,
) -> None:
    declared = {metric.name for metric in algorithm.metrics}
    for params in all_params(algorithm):
        history = Toy(seed=3).train(algorithm, params, steps=3)
        assert history == Toy(seed=3).train(algorithm, params, steps=3)
        assert history != Toy(seed=4).train(algorithm, params, steps=3)
        for loss, metrics in history:
            assert set(metrics) == declared
            assert all(math.isfinite(value) for value in (loss, *metrics.values()))


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -math.inf, 1e30])
def test_garbage_in_masked_tokens_changes_nothing(algorithm: LLMAlgorithm, garbage: float) -> None:
    for params in all_params(algorithm):
        clean = random_example(algorithm, params)
        garbled = clean.garbled(garbage)
        outputs = [algorithm.loss(e.logprobs, e.batch, params) for e in (clean, garbled)]
        assert outputs[0].loss.item() == outputs[1].loss.item()
        assert outputs[0].metrics == outputs[1].metrics
        assert torch.equal(clean.gradient(algorithm, params), garbled.gradient(algorithm, params))
        if algorithm.select:
            chosen = algorithm.select(garbled.logprobs, garbled.batch, params)
            assert clean.batch.selected is not None
            mask = clean.batch.mask
            assert torch.equal(chosen[mask], clean.batch.selected[mask])


def test_masked_tokens_get_no_gradient(algorithm: LLMAlgorithm) -> None:
    for params in all_params(algorithm):
        case = random_example(algorithm, params)
        assert not case.gradient(algorithm, params)[~case.batch.mask].any()


def test_loss_and_metrics_of_micro_batches_average_to_those_of_the_batch(
    algorithm: LLMAlgorithm,
) -> None:
    for params in all_params(algorithm):
        case = random_example(algorithm, params)
        parts = [case.only(*rows) for rows in ((0, 1, 2, 3), (4, 5), (6, 7, 8, 9, 10, 11))]
        whole = algorithm.loss(case.logprobs, case.batch, params)
        outputs = [algorithm.loss(part.logprobs, part.batch, params) for part in parts]
        shares = [len(part.batch.rewards) / 12 for part in parts]
        weighted = zip(shares, outputs, strict=True)
        assert sum(s * o.loss.item() for s, o in weighted) == pytest.approx(whole.loss.item())
        gradients = [part.gradient(algorithm, params) for part in parts]
        scaled = [s * gradient for s, gradient in zip(shares, gradients, strict=True)]
        torch.testing.assert_close(torch.cat(scaled), case.gradient(algorithm, params))
        for metric, value in whole.metrics.items():
            weighted = zip(shares, outputs, strict=True)
            assert sum(s * o.metrics[metric] for s, o in weighted) == pytest.approx(value, abs=1e-6)


def test_the_loss_is_the_mean_of_the_losses_of_its_completions(algorithm: LLMAlgorithm) -> None:
    for params in all_params(algorithm):
        case = random_example(algorithm, params)
        output = algorithm.loss(case.logprobs.clone().requires_grad_(), case.batch, params)
        assert output.losses is not None
        assert not output.losses.requires_grad
        assert output.losses.shape == case.batch.rewards.shape
        assert output.losses.mean().item() == pytest.approx(output.loss.item(), rel=1e-12)


def test_weights_and_mask_carry_no_gradient_and_have_the_shape_of_the_tokens(
    algorithm: LLMAlgorithm,
) -> None:
    for params in all_params(algorithm):
        case = random_example(algorithm, params)
        output = algorithm.loss(case.logprobs.clone().requires_grad_(), case.batch, params)
        if output.weights is not None:
            assert not output.weights.requires_grad
            assert output.weights.shape == case.batch.mask.shape
        if output.kept is not None:
            assert output.kept.dtype == torch.bool
            assert output.kept.shape == case.batch.mask.shape


def test_advantages_are_finite_one_per_completion_and_repeat_from_their_seed(
    algorithm: LLMAlgorithm,
) -> None:
    rewards = torch.tensor([1.0, -1, -1, 0.5, 3, 3, 3, -2])
    prompts = torch.tensor([4, 0, 0, 0, 7, 7, 7, 0])
    for params in all_params(algorithm):
        drawn = [
            advantages(
                algorithm,
                params,
                Outcomes(rewards, prompts, prompts + 1, torch.Generator().manual_seed(5)),
            )
            for _ in range(2)
        ]
        assert torch.equal(*drawn)
        assert drawn[0].shape == rewards.shape
        assert drawn[0].dtype == rewards.dtype
        assert torch.isfinite(drawn[0]).all()


def test_the_gallery_can_draw_its_gradient(algorithm: LLMAlgorithm) -> None:
    for params in all_params(algorithm):
        for reward in (1.0, -1.0):
            drawn = gradient_coefficient(algorithm, params, [0.0, 0.5, 1.0, 3.0], reward)
            assert all(math.isfinite(value) for value in drawn)
        assert gradient_coefficient(algorithm, params, [1.0], 1.0)[0] >= 0


def test_every_setting_explains_itself(algorithm: LLMAlgorithm) -> None:
    for field_name, field in algorithm.params.model_fields.items():
        assert field.description, f"{field_name} has no help text"


def test_it_is_presented_with_words_and_a_formula(algorithm: LLMAlgorithm) -> None:
    assert algorithm.title
    assert algorithm.paper
    assert algorithm.summary.endswith(".")
    markup = latex2mathml.converter.convert(algorithm.formula)
    assert markup.startswith("<math")
    assert "\\" not in markup, "the formula holds a command that no browser can show"


def test_its_metrics_are_declared_alike_everywhere(algorithm: LLMAlgorithm) -> None:
    shared = {metric.name for metric in (*TRAIN_METRICS, *EVAL_METRICS)}
    others = {m.name: m for other in ALGORITHMS.values() for m in other.metrics}
    for metric in algorithm.metrics:
        assert metric.name not in shared
        assert others[metric.name] == metric
        assert metric.label


def test_looks_are_of_the_palette_and_no_two_algorithms_of_ours_share_one() -> None:
    chosen = [algorithm.colour for algorithm in ALGORITHMS.values() if algorithm.colour]
    assert set(chosen) <= set(LOOKS)
    assert len(set(chosen)) == len(chosen)


@pytest.mark.parametrize(
    "schema",
    [LLMSettings, *(value for value in vars(specs).values() if is_schema(value))],
)
def test_every_shared_setting_explains_itself(schema: type[Schema]) -> None:
    for field_name, field in schema.model_fields.items():
        assert field.description or field_name == "source", f"{field_name} has no help text"
