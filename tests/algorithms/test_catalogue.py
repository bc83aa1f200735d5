"""A new algorithm is one file: in a plugin folder, or in an installed package."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

GUIDE = (ROOT / "docs" / "how-to" / "add-an-algorithm.md").read_text()
PLUGIN = GUIDE.split("```python\n")[1].split("```")[0]
"""The file that the guide tells people to write."""


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
        "-m", "pytest", "tests/algorithms/test_contract.py", "-q", "-k", "tempered",
        "--noconftest", "-p", "no:django", "-p", "no:cacheprovider",
        environment=environment,
    )  # fmt: skip


@pytest.fixture
def plugin_folder(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tempered.py").write_text(PLUGIN)
    (tmp_path / "_helper.py").write_text("raise RuntimeError('files with _ are not algorithms')")
    return {"LAB_ALGORITHM_PLUGINS": str(tmp_path)}


@pytest.fixture
def installed_package(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tempered_package.py").write_text(PLUGIN)
    metadata = tmp_path / "tempered-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tempered\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[offpolicy_lab.algorithms]\ntempered = tempered_package\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.fixture(params=["plugin_folder", "installed_package"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.getfixturevalue(request.param)
    return found


def test_one_file_adds_an_algorithm_and_its_metrics(environment: dict[str, str]) -> None:
    script = (
        "from algorithms.__main__ import main; from algorithms.metrics import metric_by_name;"
        "print(metric_by_name('reward_weight_mean').label);"
        "main(['list']); main(['tempered', '--help'])"
    )
    printed = python("-c", script, environment=environment)
    assert printed.returncode == 0, printed.stderr
    words = " ".join(printed.stdout.split())
    assert printed.stdout.startswith("Mean reward weight\n")
    assert re.search(r"^tempered +Tempered reward-weighted", printed.stdout, re.MULTILINE)
    assert "--temperature NUMBER" in printed.stdout
    assert "differ in weight by a factor e. Default: 1.0." in words


def test_one_file_is_held_to_the_contract(plugin_folder: dict[str, str]) -> None:
    tested = contract_tests(plugin_folder)
    assert tested.returncode == 0, tested.stdout
    assert "passed" in tested.stdout


def test_a_plugin_that_breaks_the_contract_fails_its_tests(plugin_folder: dict[str, str]) -> None:
    file = Path(plugin_folder["LAB_ALGORITHM_PLUGINS"]) / "tempered.py"
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
