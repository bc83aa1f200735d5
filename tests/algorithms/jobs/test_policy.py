"""A policy job: a tiny Llama, or a folder of which only harmless files are taken."""

import json
import shutil
from pathlib import Path

import pytest

from algorithms.base import UserError
from algorithms.sources import HubModel, LocalModel
from algorithms.specs import PolicySpec
from tests.algorithms.training.world import POLICY, World


@pytest.fixture
def models(
    world: World, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return a folder that models may be read from, with a copy of the world's policy."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(world.folder / "policy", folder / "mine")
    monkeypatch.setenv("LAB_MODEL_ROOTS", str(folder))
    return folder


def local(path: Path) -> PolicySpec:
    return PolicySpec(source=LocalModel(path=str(path)))


def test_the_tiny_llama_has_the_size_that_its_summary_says(world: World) -> None:
    summary = world.run("p", "policy", POLICY)
    assert summary["architecture"] == "LlamaForCausalLM"
    assert (summary["vocabulary"], summary["max_tokens"]) == (15, 24)
    width, inner, vocabulary = 32, 64, 15
    layer = 4 * width**2 + 3 * width * inner + 2 * width
    assert summary["parameters"] == 2 * layer + 2 * vocabulary * width + width


def test_of_a_local_folder_only_harmless_files_are_taken(world: World, models: Path) -> None:
    for name in ("modeling_mine.py", "pytorch_model.bin", "training_args.bin", "notes.md"):
        (models / "mine" / name).write_text("raise SystemExit")
    world.run("p", "policy", local(models / "mine"))
    taken = {path.name for path in (world.folder / "p").iterdir()}
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= taken
    assert all(path.endswith((".json", ".safetensors")) for path in taken)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "has no safetensors weights"),
        (lambda folder: (folder / "config.json").write_text("{"), "is not valid JSON"),
    ],
)
def test_a_folder_that_is_no_such_model_says_what_is_missing(
    world: World, models: Path, change: object, message: str
) -> None:
    assert callable(change)
    change(models / "mine")
    with pytest.raises(UserError, match=message):
        world.run("p", "policy", local(models / "mine"))


def test_a_model_that_brings_code_is_refused_and_its_code_never_runs(
    world: World, models: Path, tmp_path: Path
) -> None:
    path = models / "mine" / "config.json"
    config = json.loads(path.read_text()) | {
        "auto_map": {"AutoModelForCausalLM": "modeling_mine.Mine"}
    }
    path.write_text(json.dumps(config))
    (models / "mine" / "modeling_mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UserError, match="needs code of its own"):
        world.run("p", "policy", local(models / "mine"))
    assert not (tmp_path / "ran").exists()


def test_a_folder_outside_the_allowed_ones_is_refused(
    world: World, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_MODEL_ROOTS", str(models / "other"))
    with pytest.raises(UserError, match="LAB_MODEL_ROOTS"):
        world.run("p", "policy", local(models / "mine"))


def test_weights_may_be_links_inside_the_allowed_folder_but_not_out_of_it(
    world: World, models: Path, tmp_path: Path
) -> None:
    weights = models / "mine" / "model.safetensors"
    blob = weights.rename(models / "blob")
    weights.symlink_to(blob)
    world.run("p", "policy", local(models / "mine"))
    weights.unlink()
    weights.symlink_to(shutil.copy(blob, tmp_path / "outside"))
    with pytest.raises(UserError, match="LAB_MODEL_ROOTS"):
        world.run("q", "policy", local(models / "mine"))


def test_a_hub_that_cannot_be_reached_says_what_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HUB_ORGANISATIONS", "*")
    spec = PolicySpec(source=HubModel(name="HuggingFaceTB/SmolLM2-135M-Instruct"))
    with pytest.raises(UserError, match="The hub cannot be reached from this worker"):
        world.run("p", "policy", spec)


def test_an_organisation_must_be_allowed(world: World) -> None:
    spec = PolicySpec(source=HubModel(name="HuggingFaceTB/SmolLM2-135M-Instruct"))
    with pytest.raises(UserError, match="LAB_HUB_ORGANISATIONS"):
        world.run("p", "policy", spec)


def test_a_hub_model_is_downloaded_by_pattern_and_checked(
    world: World, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_from_disk(
        name: str, *, revision: str, allow_patterns: list[str], local_dir: Path
    ) -> None:
        assert (name, revision) == ("lab/tiny", "v1")
        assert not any(pattern.endswith((".py", ".bin")) for pattern in allow_patterns)
        shutil.copytree(models / "mine", local_dir, dirs_exist_ok=True)
        (local_dir / ".cache").mkdir()

    monkeypatch.setenv("LAB_HUB_ORGANISATIONS", "lab")
    monkeypatch.setattr("algorithms.jobs.policy.snapshot_download", copy_from_disk)
    spec = PolicySpec(source=HubModel(name="lab/tiny", revision="v1"))
    assert world.run("p", "policy", spec)["vocabulary"] == 15
    assert not (world.folder / "p" / ".cache").exists()
