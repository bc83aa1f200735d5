"""The command line: real trainings in real processes, from folders."""

import dataclasses
import json
import re
import signal
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path

import pytest

from algorithms.__main__ import (
    build_parser,
    main,
    params_flags,
    read_spec,
    settings_flags,
)
from algorithms.base import JobContext, Reporter, Schema, UserError
from algorithms.catalogue import ALGORITHMS
from algorithms.flags import Flags
from algorithms.jobs import dataset, generate, grade, policy
from algorithms.settings import LLMSettings
from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import DatasetSpec, GenerateSpec, GradeSpec, PolicySpec

ROOT = Path(__file__).parents[2]
REQUIRED = ["--policy=p", "--rollouts=r", "--eval-dataset=e", "--output=o"]
QUICK = [
    "--batch-size=16", "--micro-batch-size=8", "--evaluate-every=5", "--evaluate-problems=5",
    "--checkpoint-every=2",
]  # fmt: skip


class Silent(Reporter):
    """A reporter that nobody listens to."""

    def log(
        self, step: int, metrics: Mapping[str, float], *, samples: int, tokens: int, seconds: float
    ) -> None: ...

    def progress(self, done: int, total: int, unit: str) -> None: ...

    def message(self, text: str, *, level: str = "info") -> None: ...

    def should_stop(self) -> bool:
        return False


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a dataset, a policy and its graded completions."""
    root = tmp_path_factory.mktemp("artifacts")

    def context(output: str, **inputs: str) -> JobContext:
        for folder in (output, "checkpoints"):
            (root / folder).mkdir(exist_ok=True)
        folders = {role: root / name for role, name in inputs.items()}
        return JobContext(folders, root / output, root / "checkpoints", Silent())

    sums = ArithmeticSource(digits=1, train=30, test=10)
    dataset.run(DatasetSpec(source=sums), context("dataset"))
    tiny = TinyLlama(hidden_size=16, layers=1, heads=2, intermediate_size=32)
    policy.run(PolicySpec(source=tiny), context("policy"))
    generated = context("rollouts", policy="policy", dataset="dataset")
    generate.run(GenerateSpec(completions=4, batch_size=64), generated)
    grade.run(GradeSpec(), context("graded", rollouts="rollouts"))
    return root


def command(artifacts: Path, name: str, output: Path, *flags: str) -> list[str]:
    learned = "--dataset" if name == "sft" else "--rollouts"
    source = artifacts / ("dataset" if name == "sft" else "graded")
    return [
        sys.executable, "-m", "algorithms", name,
        f"--policy={artifacts / 'policy'}", f"{learned}={source}",
        f"--eval-dataset={artifacts / 'dataset'}", f"--output={output}", *QUICK, *flags,
    ]  # fmt: skip


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: PLW1510 - callers look at the status
        arguments, cwd=ROOT, capture_output=True, text=True, timeout=240
    )


@pytest.mark.parametrize("name", ["topr", "sft"])
def test_a_training_runs_from_folders_and_leaves_a_policy(
    artifacts: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / "trained"
    done = run(command(artifacts, name, output, "--steps=5"))
    assert done.returncode == 0, done.stderr
    assert re.search(r"^step 5  .*eval_greedy_accuracy", done.stdout, re.MULTILINE)
    assert (output / "model.safetensors").stat().st_size > 1000
    assert json.loads((output / "history.json").read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["trained"]


def test_an_interrupted_training_goes_on_where_it_stopped(artifacts: Path, tmp_path: Path) -> None:
    output = tmp_path / "trained"
    arguments = command(artifacts, "topr", output, "--steps=200", "--evaluate-every=20")
    with subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("step 0 ")
        while not process.stdout.readline().startswith("step 20 "):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 130
        assert "Run the same command again to go on." in process.stderr.read()
    assert not output.exists()
    resumed = run(arguments)
    assert resumed.returncode == 0, resumed.stderr
    # A training that began anew would examine the policy it starts from.
    assert "step 0 " not in resumed.stdout
    assert "step 200 " in resumed.stdout
    assert (output / "model.safetensors").exists()


def test_listing_loads_no_language_model_library() -> None:
    script = (
        "import sys; from algorithms.__main__ import main; main(['list']);"
        "sys.exit('transformers' in sys.modules)"
    )
    listed = run([sys.executable, "-c", script])
    assert listed.returncode == 0
    assert "topr " in listed.stdout


def test_flags_lie_over_the_preset_and_the_preset_over_the_defaults() -> None:
    arguments = build_parser().parse_args(
        [
            *("topr", *REQUIRED, "--preset=Off-policy REINFORCE", "--negative-ratio-max=2"),
            *("--baseline=-0.5", "--steps=7", "--epochs=none", "--length-normalisation=false"),
            *("--sampling-temperature=0.5", "--grading-grader=exact", "--seed=3"),
        ]
    )
    spec = read_spec(arguments)
    assert spec.params == {
        "baseline": -0.5,
        "positive_ratio_min": 0.0,
        "positive_ratio_max": None,
        "negative_ratio_min": 0.0,
        "negative_ratio_max": 2.0,
        "ratio_granularity": "sequence",
        "length_normalisation": False,
    }
    assert spec.settings == LLMSettings(steps=7)
    assert (spec.sampling.temperature, spec.grading.grader, spec.seed) == (0.5, "exact", 3)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--baseline=1.5"], "--baseline: Input should be less than or equal to 1"),
        (["--steps=many"], "--steps: Input should be a valid integer"),
        (["--steps=none"], "--steps: Input should be a valid integer"),
        (["--negative-ratio-min=3"], "negative_ratio_min must not exceed negative_ratio_max"),
        (["--batch-size=4"], "micro_batch_size must not exceed batch_size"),
        (["--seed=-1"], "--seed: must not be negative"),
        ([], "--policy: there is no folder p"),
    ],
)
def test_what_is_wrong_is_said_with_its_flag(
    flags: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["topr", *REQUIRED, *flags]) == 2
    assert complaint in capsys.readouterr().err


def test_an_output_that_holds_something_is_not_overwritten(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "precious").write_text("data")
    _, _, _, *arguments = command(artifacts, "topr", tmp_path)
    assert main(arguments) == 2
    assert "is taken; name a new folder" in capsys.readouterr().err
    assert (tmp_path / "precious").read_text() == "data"


def test_every_fault_is_reported_at_once() -> None:
    arguments = build_parser().parse_args(["topr", *REQUIRED, "--steps=0", "--clip-norm=0"])
    with pytest.raises(UserError, match=r"(?s)--steps: .*--clip-norm: "):
        read_spec(arguments)


def test_a_percent_sign_in_a_help_text_is_shown() -> None:
    class Quota(Schema):
        """Settings."""

        share: float = 0.5
        """Up to 100 % of it."""

    parser = ArgumentParser()
    Flags(Quota, "quota", "quota").add(parser)
    assert "Up to 100 % of it. Default: 0.5." in " ".join(parser.format_help().split())


def test_two_groups_may_have_a_setting_of_the_same_name() -> None:
    class Own(Schema):
        """Settings of an algorithm with a name that all algorithms share."""

        steps: int = 3
        """Inner steps."""

    algorithm = dataclasses.replace(ALGORITHMS["topr"], params=Own)
    parser = ArgumentParser()
    own, shared = params_flags(algorithm), settings_flags(algorithm)
    own.add(parser)
    shared.add(parser)
    arguments = parser.parse_args(["--steps=5", "--settings-steps=70"])
    assert own.read(arguments, {}) == Own(steps=5)
    assert shared.read(arguments, {}) == LLMSettings(steps=70)
