"""Paths that jobs may read lie below the folders that the administrator lists."""

from pathlib import Path

import pytest

from algorithms.base import UserError
from algorithms.data.roots import DATA_ROOTS_VARIABLE, allowed_path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an allowed folder with a file in a folder below it."""
    (tmp_path / "allowed/d4rl").mkdir(parents=True)
    (tmp_path / "allowed/d4rl/some.hdf5").touch()
    (tmp_path / "secret").touch()
    monkeypatch.setenv(DATA_ROOTS_VARIABLE, str(tmp_path / "allowed"))
    return tmp_path / "allowed"


def test_a_relative_path_is_found_below_an_allowed_folder(root: Path) -> None:
    assert allowed_path("d4rl/some.hdf5", DATA_ROOTS_VARIABLE) == root / "d4rl/some.hdf5"
    assert allowed_path(str(root / "d4rl"), DATA_ROOTS_VARIABLE) == root / "d4rl"


@pytest.mark.parametrize("text", ["../secret", "d4rl/../../secret", "d4rl/other.hdf5", "/etc"])
def test_nothing_outside_is_found(root: Path, text: str) -> None:
    with pytest.raises(UserError, match="jobs may read"):
        allowed_path(text, DATA_ROOTS_VARIABLE)
