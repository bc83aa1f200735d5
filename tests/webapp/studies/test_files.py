"""The studies that ship: every file is right, plans at every scale, and asks of what exists."""

from pathlib import Path

import pytest

from algorithms.specs import OnlineSpec
from tests.webapp.studies.small import SMALL
from webapp.studies.claim_schema import Exact, Optimum
from webapp.studies.cost import cost_of
from webapp.studies.facts import load_facts
from webapp.studies.fragments import sides_of
from webapp.studies.library import StudyFile, read_study
from webapp.studies.planning import PILOT, StudyError, StudyPlan
from webapp.studies.schema import SCALES
from webapp.studies.values import metric_of

FOLDER = Path(__file__).resolve().parents[3] / "studies"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
WANTED = {
    "topr_fig1_7", "topr_fig3_8", "topr_fig4_9_11", "topr_fig5_12", "topr_fig10", "topr_table2",
    *(f"grr_e{number}" for number in range(1, 10)),
    *(f"cdsa_e{number}" for number in range(1, 11)),
}  # fmt: skip


def _whole(name: str) -> str:
    """Return the scale that leaves no experiment out."""
    return "cpu" if name in CONTROL else "paper"


def _read(name: str) -> StudyFile:
    return read_study(name, (FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _plans(file: StudyFile) -> dict[str, StudyPlan]:
    return {name: scale.plan for name, scale in file.scales.items() if scale.plan is not None}


CONTROL = {name for name in WANTED if name.startswith("cdsa")}


def test_every_figure_of_the_papers_has_a_study() -> None:
    assert set(NAMES) == WANTED


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_right_and_plans_at_every_scale(name: str) -> None:
    file = _read(name)
    assert file.problem == ""
    assert file.study is not None
    if file.study.bandit is not None:
        return
    scales = SCALES[file.study.family]
    if name in CONTROL:
        assert "cpu" in file.scales
        assert list(file.scales) == [scale for scale in scales if scale in file.scales]
    else:
        assert list(file.scales) == list(scales)
    assert {scale.problem for scale in file.scales.values()} == {""}
    for plan in _plans(file).values():
        assert plan.missing_recipes == ()
        assert len({node.fingerprint for node in plan.nodes}) == len(plan.nodes)


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_means_one_group_on_each_side_at_the_whole_scale(name: str) -> None:
    file = _read(name)
    assert file.study is not None
    if file.study.bandit is not None:
        labels = {choice.label for choice in file.study.bandit.choices}
        assert {claim.label for claim in file.study.claims if isinstance(claim, Exact)} <= labels
        return
    plan = _plans(file)[_whole(name)]
    for claim in file.study.claims:
        for side in sides_of(claim):
            plan.cell(side, claim.experiment)
        if isinstance(claim, Optimum):
            found = plan.select(claim.experiment, (claim.group,), claim.axes)
            assert len([cell for cell in found if claim.axis in cell.axes]) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_most_claims_can_be_tested_at_the_smallest_scale(name: str) -> None:
    file = _read(name)
    if file.study is None or file.study.bandit is not None:
        return
    plan, tested = _plans(file)["cpu"], 0
    for claim in file.study.claims:
        try:
            tested += bool([plan.cell(side, claim.experiment) for side in sides_of(claim)] or 1)
        except StudyError:
            continue
    assert tested >= 0.6 * len(file.study.claims)


@pytest.mark.parametrize("name", NAMES)
def test_a_study_draws_and_tests_only_metrics_that_exist(name: str) -> None:
    file = _read(name)
    assert file.study is not None
    measures = [panel.of for figure in file.study.figures for panel in figure.panels]
    measures += [claim.of for claim in file.study.claims if not isinstance(claim, Exact)]
    for measure in measures:
        assert metric_of(measure).label


@pytest.mark.parametrize("name", NAMES)
def test_panels_draw_groups_that_the_whole_scale_has(name: str) -> None:
    file = _read(name)
    assert file.study is not None
    plan = _plans(file).get(_whole(name))
    for figure in file.study.figures if plan is not None else ():
        for panel in figure.panels:
            assert plan is not None
            assert plan.select(panel.experiment, panel.groups, panel.axes), (figure.id, panel)


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_scale_checks_its_setting_on_data_of_its_own(name: str) -> None:
    file = _read(name)
    assert file.study is not None
    plan = _plans(file).get("cpu")
    if plan is None or PILOT not in plan.experiments:
        # Sides of grr_e8 are two experiments; control chooses settings on tuning episodes.
        assert plan is None or name == "grr_e8" or name in CONTROL
        return
    own = {node.fingerprint for node in plan.experiments[PILOT].nodes}
    for key, planned in plan.experiments.items():
        if key != PILOT:
            assert not own & {node.fingerprint for node in planned.nodes}


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_every_study_knows_what_it_needs_before_anything_exists(name: str) -> None:
    file = _read(name)
    assert file.study is not None
    for scale, plan in _plans(file).items():
        cost = cost_of(load_facts(plan), file.study.profiles[scale])  # type: ignore[index]
        assert cost.jobs == cost.missing == len(plan.nodes)
        assert cost.seconds is None  # nothing was ever measured
        assert cost.unmeasured


def test_an_engine_beside_a_training_leaves_it_memory_of_the_gpu() -> None:
    shares = {}
    for name in NAMES:
        for scale, plan in _plans(_read(name)).items():
            for node in plan.nodes:
                if isinstance(node.spec, OnlineSpec) and node.spec.generate.engine == "vllm":
                    shares[name, scale] = node.spec.generate.vllm.gpu_memory_utilization
    assert len(shares) == 2 * len(range(2, 10))  # grr_e2 to grr_e9, at gpu and paper
    assert set(shares.values()) == {0.4}


def test_seeds_are_three_at_least_everywhere() -> None:
    for name in NAMES:
        study = _read(name).study
        assert study is not None
        assert all(len(profile.seeds) >= 3 for profile in study.profiles.values()), name


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: below_base", "kind: above_base", "claims"),
        ("algorithm: topr}", "algorithm: toper}", "toper"),
        ("[{of: pass_at_1}]", "[]", "one panel"),
        ("claim: ends_above", "claim: nowhere", "pilot"),
        ("seeds: [0, 1]", "seeds: [0, 0]", "given twice"),
    ],
)
def test_a_mistake_in_a_file_is_told(old: str, new: str, told: str) -> None:
    assert old in SMALL
    file = read_study("small", SMALL.replace(old, new, 1))
    problems = [file.problem, *(scale.problem for scale in file.scales.values())]
    assert told in " ".join(problems)


def test_a_recipe_that_is_not_installed_is_marked_not_an_error() -> None:
    text = SMALL.replace(
        "  main:\n    algorithms", "  main:\n    recipe: telepathy\n    algorithms"
    )
    plan = _plans(read_study("small", text))["cpu"]
    assert plan.missing_recipes == ("telepathy",)
    assert plan.experiments == {}
