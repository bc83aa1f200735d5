"""Pictures of a study's plots."""

from pathlib import Path

import pytest

from tests.browser.conftest import which_chromium
from tests.webapp.studies.test_pages import BANDIT
from webapp.studies.bandit import WHOLE
from webapp.studies.exports import export_study
from webapp.studies.library import read_study
from webapp.studies.results import load_result

pytestmark = pytest.mark.django_db


@pytest.mark.skipif(which_chromium() is None, reason="no Chromium to draw pictures with")
def test_pictures_lie_beside_the_tables_and_are_shown_in_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", str(which_chromium()))
    file = read_study("two_arms", BANDIT)
    written = export_study(load_result(file, "", seconds=WHOLE), tmp_path, figures=True)
    picture = tmp_path / "reward-1-exact.svg"
    assert picture in written
    assert "expected reward" in picture.read_text(encoding="utf-8")
    assert f"]({picture.name})" in (tmp_path / "README.md").read_text(encoding="utf-8")
