"""Files read and checked without a database: names, defaults, errors with lines."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.catalogue import ALGORITHMS
from tests.webapp.experiments.portable.files import SHORT
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.planner import plan
from webapp.experiments.portable.document import Document
from webapp.experiments.portable.reading import read
from webapp.experiments.portable.references import Ids, references, with_ids, with_names
from webapp.experiments.portable.text import parse
from webapp.experiments.portable.writing import document_yaml

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)


@st.composite
def configs(draw: st.DrawFn) -> ExperimentConfig:
    """Draw a config over two datasets, two policies and given or new completions."""
    names = draw(st.lists(st.sampled_from(sorted(ALGORITHMS)), min_size=1, max_size=3, unique=True))
    steps = draw(st.lists(st.sampled_from(["positives", "anna_karenina"]), max_size=2))
    given_rollouts = draw(st.booleans())
    rates = draw(st.lists(st.floats(1e-7, 0.1), min_size=1, max_size=2, unique=True))
    axes: dict[str, Any] = {"settings.learning_rate": rates} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        axes["dataset_id"] = draw(st.permutations([1, 2]))
    raw = {
        "dataset_id": draw(st.integers(1, 2)),
        "eval_dataset_id": draw(st.none() | st.integers(1, 2)),
        "benchmarks": draw(st.lists(st.integers(1, 2), max_size=2, unique=True)),
        "policy_id": draw(st.integers(1, 2)),
        "rollouts_id": 7 if given_rollouts else None,
        "algorithms": [
            {"label": f"{number} {draw(WORDS)}"[:80].strip(), "algorithm": name}
            for number, name in enumerate(names)
        ],
        "seeds": draw(st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True)),
        "prompt": {"template": draw(WORDS) + "{question}\n", "system": draw(WORDS)},
        "generate": {"completions": draw(st.integers(1, 64))},
        "rewards": {"invalid": draw(st.floats(-2, 2))},
        "curations": [{"name": "some", "steps": [{"op": op} for op in steps]}],
        "settings": {"steps": draw(st.integers(1, 1000))},
        "axes": axes,
    }
    return ExperimentConfig.model_validate(raw)


@given(configs())
@settings(max_examples=60, deadline=None)
def test_a_config_that_is_written_and_read_is_the_same(config: ExperimentConfig) -> None:
    names = {
        "datasets": {1: "Ours: 2 digits", 2: "null"},
        "policies": {1: "Tiny, warm", 2: "3e-4"},
        "rollouts": {7: "graded (job 7)"},
        "presets": {},
    }
    document = Document(config=with_names(config.model_dump(mode="json"), names))
    again = Document.model_validate(parse(document_yaml(document)).data)
    ids = Ids(*({name: pk for pk, name in names[table].items()} for table in names))
    assert ExperimentConfig.model_validate(with_ids(again.config, ids)) == config


def test_sources_are_named_at_any_depth_and_in_axes() -> None:
    config = {
        "dataset_id": 1,
        "benchmarks": [2],
        "axes": {"policy_id": [1, 2]},
        "recipe_settings": {"sources": [{"rollouts_id": 7, "share": 0.5}]},
        "algorithms": [{"preset_id": 3, "params": {}}],
    }
    assert references(config) == {
        "datasets": [1, 2],
        "policies": [1, 2],
        "rollouts": [7],
        "presets": [3],
    }
    names = {
        "datasets": {1: "A", 2: "B"},
        "policies": {1: "P", 2: "Q"},
        "rollouts": {7: "R"},
        "presets": {3: "mine"},
    }
    written = with_names(config, names)
    assert written["axes"] == {"policy": ["P", "Q"]}
    assert written["recipe_settings"] == {"sources": [{"rollouts": "R", "share": 0.5}]}
    assert written["algorithms"][0]["preset"] == "mine"
    ids = Ids(*({name: pk for pk, name in names[table].items()} for table in names))
    assert with_ids(written, ids) == config


def test_a_short_file_takes_its_only_dataset_and_policy_and_every_default() -> None:
    reading = read(SHORT)
    assert reading.problems == ()
    assert isinstance(reading.config, ExperimentConfig)
    assert (reading.config.dataset_id, reading.config.policy_id) == (1, 1)
    assert [node.kind for node in reading.nodes.all] == ["dataset", "train"]
    made = plan(reading.config, reading.nodes.fingerprints)
    assert made.jobs_by_kind == {"generate": 1, "grade": 1, "train": 6, "evaluate": 7}


WRONG = [
    ("seeds: [0, 1]", "seeds: [0, 0]", "Line 11, config.seeds.1: Seed 0 is given twice"),
    (": topr", ": tropr", "Line 13, config.algorithms.0.algorithm: There is no algorithm tropr"),
    ("digits: 2", "digits: 9", "Line 5, datasets.Two digits.source.arithmetic.digits: Input"),
    ("ons: 4", "on: 4", "Line 17, config.generate.completion: There is no such setting"),
    ("  seeds:", "  dataset: Three\n  seeds:", "Line 11, config.dataset: There is no 'Three'"),
    (
        "start: {",
        "start: {algorithm: topr, ",
        "Line 9, policies.Tiny, warm.warm_start.algorithm: A",
    ),
    ("params.baseline", "params.bass", "Line 16, config.axes.params.bass: None of the chosen"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_an_error_names_line_and_field(old: str, new: str, said: str) -> None:
    reading = read(SHORT.replace(old, new))
    assert reading.config is None
    assert [str(problem)[: len(said)] for problem in reading.problems] == [said]


def test_several_datasets_must_be_chosen_among() -> None:
    more = SHORT.replace("policies:", "  Three:\n    upload: " + "a" * 64 + "\npolicies:", 1)
    fields = {problem.field for problem in read(more).problems}
    assert "config.dataset" in fields  # and the warm start, which names none either


def test_a_job_that_needs_itself_is_refused() -> None:
    text = SHORT.replace(
        "config:",
        "rollouts: {R: {job: a}}\njobs: {a: {kind: grade, inputs: {rollouts: a}}}\nconfig:",
    )
    [problem] = read(text).problems
    assert "a needs a" in problem.message


def test_reading_a_file_loads_no_database() -> None:
    code = (
        "import sys; from webapp.experiments.portable.reading import read; "
        "read(open(0).read()); sys.exit('webapp.jobs.models' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=SHORT, text=True, check=False)
    assert done.returncode == 0
