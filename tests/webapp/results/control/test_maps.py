"""Figures over settings: which axes there are, what stands in a cell, lines against noise."""

from dataclasses import replace
from typing import Any

import pytest

from tests.webapp.results import made
from tests.webapp.results.control.made import (
    ControlLab,
    evaluation_spec,
    make_control_lab,
    publish_evaluation,
    returns_of,
)
from webapp.results.control.choice import ControlChoice
from webapp.results.control.comparison import ControlComparison, load
from webapp.results.control.figures import has_noise, noise_figure, returns_figure
from webapp.results.control.maps import policies_figure, sensitivity_axes, sensitivity_figure
from webapp.results.control.page import build_page

pytestmark = pytest.mark.django_db
LEVEL = "evaluate.correction_params.noise_level"
STEPS = "evaluate.correction_params.steps"


def swept(**changes: Any) -> list[ControlLab]:
    """Return experiments over two noise levels and two numbers of steps."""
    labs = []
    for level in (0.2, 0.4):
        for steps in (1, 5):
            name = f"{level}-{steps}"
            params = {"noise_level": level, "steps": steps}
            labs.append(
                make_control_lab(
                    algorithms=("bc",), seeds=(0, 1), name=name, dataset=name, params=params,
                    **changes,
                )
            )  # fmt: skip
    return labs


def comparison(labs: list[ControlLab], **choice: Any) -> ControlComparison:
    runs = tuple(run for lab in labs for run in lab.run_ids)
    return load(replace(ControlChoice(runs=runs), **choice))


def test_the_settings_that_differ_are_axes_and_can_change_places() -> None:
    found = comparison(swept())
    offered, across, down = sensitivity_axes(found)
    assert offered[:2] == [LEVEL, STEPS]
    assert (across, down) == (LEVEL, STEPS)
    turned = load(replace(found.choice, across=STEPS))
    assert sensitivity_axes(turned)[1:] == (STEPS, LEVEL)
    drawn = sensitivity_figure(turned).data[0]
    assert list(drawn.x) == ["1", "5"]
    assert list(drawn.y) == ["0.2", "0.4"]
    expected = sum(returns_of("bc", "cdsa", seed, 60).mean() for seed in (0, 1)) / 2
    assert drawn.z[0][0] == pytest.approx(expected)


def test_without_two_settings_there_is_no_map() -> None:
    found = comparison([make_control_lab(seeds=(0,))])
    assert sensitivity_axes(found)[1:] == ("policy", "")
    assert not sensitivity_figure(found).data
    assert not build_page(found, search="").has_sensitivity


def test_policies_stand_against_their_data_sets() -> None:
    labs = [make_control_lab(seeds=(0,), name=one, dataset=one) for one in ("left", "right")]
    drawn = policies_figure(comparison(labs)).data[0]
    assert list(drawn.x) == ["left v1", "right v1"]
    assert list(drawn.y) == [
        "Behaviour cloning",
        "Behaviour cloning, CDSA, reference design",
        "TD3+BC",
        "TD3+BC, CDSA, reference design",
    ]


def test_lines_against_noise_are_told_apart_by_policy_and_correction() -> None:
    lab = make_control_lab(algorithms=("bc",), seeds=(0, 1), noise=0.0)
    with_noise(lab, 0.5)
    found = comparison([lab])
    assert has_noise(found)
    lines = [trace for trace in noise_figure(found).data if trace.mode == "lines+markers"]
    assert [trace.name for trace in lines] == [
        "Behaviour cloning, uncorrected",
        "Behaviour cloning, CDSA, reference design",
    ]
    assert [list(trace.x) for trace in lines] == [[0.0, 0.5]] * 2
    names = [panel.text for panel in returns_figure(found).layout.annotations]
    assert names == [f"Behaviour cloning, noise on actions = {noise}" for noise in (0, 0.5)]


def with_noise(lab: ControlLab, noise: float) -> None:
    """Evaluate every policy of an experiment once more, with noise on its actions."""
    for (algorithm, correction, seed), run in list(lab.runs.items()):
        spec = evaluation_spec(correction, episodes=60, noise=noise)
        train = run.needs.get(role="train").job
        job = made.make_job("evaluate_control", "Evaluate", spec=spec)
        made.link(job, policy=train)
        publish_evaluation(job, returns_of(algorithm, correction, seed, 60) - 10 * noise, spec)
        told = run.config["recipe"] | {"axes": {"evaluate.noise": noise}}
        lab.runs[algorithm, f"{correction} {noise}", seed] = made.make_run(
            lab.experiment,
            f"{run.label}, noise = {noise}",
            algorithm,
            seed=seed,
            config=run.config | {"evaluate": spec, "recipe": told},
            train=train,
            evaluate=job,
        )


def test_without_noise_there_is_no_such_plot() -> None:
    found = comparison([make_control_lab(seeds=(0,))])
    assert not has_noise(found)
    assert not noise_figure(found).data
