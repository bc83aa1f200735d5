"""A new algorithm is one file: in a plugin folder, or in an installed package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLUGIN = '''
"""REINFORCE with a temperature on the reward."""
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from algorithms.base import CompletionBatch, LLMAlgorithm, LossOutput, Metric, Schema
from algorithms.shared.masking import masked_mean


class Params(Schema):
    """Hyperparameters."""

    heat: float = Field(0.25, gt=0, le=2)
    """Divides the reward."""


def loss(logprobs: Float[Tensor, "B T"], batch: CompletionBatch, params: Params) -> LossOutput:
    """Return the loss."""
    weight = batch.rewards / params.heat
    return LossOutput(
        loss=-(weight * masked_mean(logprobs, batch.mask)).mean(),
        metrics={"heat_mean": weight.mean().item()},
    )


ALGORITHM = LLMAlgorithm(
    title="Hot REINFORCE",
    paper="arXiv:0000.00000",
    summary="Divides the reward.",
    formula=r"-\\frac{R}{h} \\log \\pi",
    params=Params,
    loss=loss,
    metrics=(Metric("heat_mean", label="Mean heat"),),
)
'''


def python(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: PLW1510 - callers look at the status
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def contract_tests(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the contract tests over whatever algorithms that environment has."""
    return python(
        "-m", "pytest", "tests/algorithms/test_contract.py", "-q", "-k", "hot",
        "--noconftest", "-p", "no:django", "-p", "no:cacheprovider",
        environment=environment,
    )  # fmt: skip


@pytest.fixture
def plugin_folder(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "hot.py").write_text(PLUGIN)
    (tmp_path / "_helper.py").write_text("raise RuntimeError('files with _ are not algorithms')")
    return {"LAB_ALGORITHM_PLUGINS": str(tmp_path)}


@pytest.fixture
def installed_package(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "hot_package.py").write_text(PLUGIN)
    metadata = tmp_path / "hot_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hot-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[offpolicy_lab.algorithms]\nhot = hot_package\n")
    return {"PYTHONPATH": str(tmp_path)}


@pytest.fixture(params=["plugin_folder", "installed_package"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.getfixturevalue(request.param)
    return found


def test_one_file_adds_an_algorithm_to_the_command_line(environment: dict[str, str]) -> None:
    listed = python("-m", "algorithms", "list", environment=environment)
    assert listed.returncode == 0, listed.stderr
    assert "hot " in listed.stdout
    assert "Hot REINFORCE" in listed.stdout
    helped = python("-m", "algorithms", "hot", "--help", environment=environment)
    assert "--heat NUMBER" in helped.stdout
    assert "Divides the reward. Default: 0.25." in helped.stdout


def test_one_file_passes_the_contract_and_declares_its_metrics(environment: dict[str, str]) -> None:
    tested = contract_tests(environment)
    assert tested.returncode == 0, tested.stdout
    assert "passed" in tested.stdout
    script = "from algorithms.metrics import metric_by_name as m; print(m('heat_mean').label)"
    assert python("-c", script, environment=environment).stdout.strip() == "Mean heat"


def test_a_plugin_that_breaks_the_contract_fails_its_tests(plugin_folder: dict[str, str]) -> None:
    file = Path(plugin_folder["LAB_ALGORITHM_PLUGINS"]) / "hot.py"
    file.write_text(PLUGIN.replace("masked_mean(logprobs, batch.mask)", "logprobs.mean(-1)"))
    tested = contract_tests(plugin_folder)
    assert tested.returncode == 1
    assert "test_garbage_in_masked_tokens_changes_nothing" in tested.stdout


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("cold.py", "x = 1", "defines no ALGORITHM"),
        ("topr.py", PLUGIN, "topr is defined twice; rename the plugin file"),
        ("Hot-1.py", PLUGIN, "use lower-case letters, digits and _"),
    ],
)
def test_a_file_that_is_no_algorithm_is_refused_by_name(
    tmp_path: Path, file: str, text: str, complaint: str
) -> None:
    (tmp_path / file).write_text(text)
    environment = {"LAB_ALGORITHM_PLUGINS": str(tmp_path)}
    listed = python("-m", "algorithms", "list", environment=environment)
    assert listed.returncode != 0
    assert complaint in listed.stderr


def test_a_plugin_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    environment = {"LAB_ALGORITHM_PLUGINS": str(tmp_path / "nowhere")}
    listed = python("-m", "algorithms", "list", environment=environment)
    assert "nowhere, which is not a folder" in listed.stderr
