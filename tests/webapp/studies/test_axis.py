"""Figures against an axis: our runs stand where the paper's numbers do."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

from tests.webapp.studies.small import SMALL, Summary, finish, small, write_small
from webapp.accounts.models import User
from webapp.studies.services import study_reproduce

pytestmark = pytest.mark.django_db
FIGURE = """figures:
  - id: effective
    title: Against the effective share
    kind: axis
    axis: params.baseline
    x_values: {"-1": 100, "0": 10}
    log_x: true
    panels: [{of: pass_at_1, groups: [TOPR]}]
"""


def test_axis_values_are_drawn_at_their_places(
    settings: Settings, browser: Client, ada: User
) -> None:
    text = SMALL.replace("figures:\n", FIGURE, 1)
    text = text.replace("      - {label: REINFORCE, algorithm: reinforce}\n", "")
    head, _, tail = text.replace(
        "algorithm: topr}\n", "algorithm: topr}\n    axes: {params.baseline: [0, -1]}\n"
    ).partition("claims:")
    claim = (
        "claims:\n  - {id: all_positives, kind: greater, says: More positives are better., "
        "left: {group: TOPR, places: {params.baseline: -1}}, "
        "right: {group: TOPR, places: {params.baseline: 0}}, of: pass_at_1}\n"
    )
    assert tail
    write_small(
        settings.VAR / "axis", head.replace("claim: ends_above", "claim: all_positives") + claim
    )
    settings.STUDIES_DIR = settings.VAR / "axis"
    file = small()
    study_reproduce(owner=ada, file=file, scale="cpu")
    finish(file, _outcome)
    drawn = json.loads(browser.get("/studies/small/cpu/effective/0.json").content)
    (line,) = [one for one in drawn["data"] if one["mode"] == "lines+markers"]
    assert line["x"] == [10, 100]
    assert line["y"] == [0.25, 0.75]
    page = browser.get("/studies/small/?scale=cpu").content.decode()
    assert "TOPR, baseline = -1 minus TOPR, baseline = 0" in page


def _outcome(label: str, seed: int) -> Summary:
    return {"pass_at_1": 0.75 if "-1" in label else 0.25, "problems": 100, "samples": 2}
