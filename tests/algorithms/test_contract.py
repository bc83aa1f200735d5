"""What every algorithm must keep, whoever wrote it; a new file is tested without a line here."""

import json
import math
from collections.abc import Iterator

import latex2mathml.converter
import pytest
import torch

from algorithms import specs
from algorithms.__main__ import build_parser, params_flags, settings_flags
from algorithms.base import LLMAlgorithm, Schema
from algorithms.catalogue import ALGORITHMS
from algorithms.metrics import EVAL_METRICS, TRAIN_METRICS
from algorithms.settings import LLMSettings
from algorithms.shared.gradient import gradient_coefficient
from tests.algorithms.batches import Example
from tests.algorithms.toy import Toy
from webapp.results.figures.palette import COLOURS

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


def random_example(seed: int = 0, completions: int = 12) -> Example:
    toy = Toy(seed)
    drawn, batch = toy.rollouts(completions, 4)
    toy.theta = torch.tensor([0.7, -0.4])
    return Example(toy.logprobs(drawn).double(), batch)


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
    clean, garbled = random_example(), random_example().garbled(garbage)
    for params in all_params(algorithm):
        outputs = [algorithm.loss(e.logprobs, e.batch, params) for e in (clean, garbled)]
        assert outputs[0].loss.item() == outputs[1].loss.item()
        assert outputs[0].metrics == outputs[1].metrics
        assert torch.equal(clean.gradient(algorithm, params), garbled.gradient(algorithm, params))


def test_masked_tokens_get_no_gradient(algorithm: LLMAlgorithm) -> None:
    case = random_example()
    for params in all_params(algorithm):
        assert not case.gradient(algorithm, params)[~case.batch.mask].any()


def test_loss_and_metrics_of_micro_batches_average_to_those_of_the_batch(
    algorithm: LLMAlgorithm,
) -> None:
    case = random_example()
    parts = [case.only(*rows) for rows in ((0, 1, 2, 3), (4, 5), (6, 7, 8, 9, 10, 11))]
    for params in all_params(algorithm):
        whole = algorithm.loss(case.logprobs, case.batch, params)
        outputs = [algorithm.loss(part.logprobs, part.batch, params) for part in parts]
        shares = [len(part.batch.rewards) / 12 for part in parts]
        weighted = zip(shares, outputs, strict=True)
        assert sum(s * o.loss.item() for s, o in weighted) == pytest.approx(whole.loss.item())
        for metric, value in whole.metrics.items():
            weighted = zip(shares, outputs, strict=True)
            assert sum(s * o.metrics[metric] for s, o in weighted) == pytest.approx(value, abs=1e-6)


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


def test_colours_are_of_the_palette_and_no_two_algorithms_of_ours_share_one() -> None:
    chosen = [algorithm.colour for algorithm in ALGORITHMS.values() if algorithm.colour]
    assert set(chosen) <= set(COLOURS)
    assert len(set(chosen)) == len(chosen)


@pytest.mark.parametrize(
    "schema",
    [LLMSettings, *(value for value in vars(specs).values() if is_schema(value))],
)
def test_every_shared_setting_explains_itself(schema: type[Schema]) -> None:
    for field_name, field in schema.model_fields.items():
        assert field.description or field_name == "source", f"{field_name} has no help text"
