"""The studies of this installation: every YAML file of its folder, checked and planned."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from pydantic import ValidationError

from webapp.experiments.portable.text import Parsed, YamlError, parse
from webapp.studies.planning import StudyError, StudyPlan, plan_profile
from webapp.studies.schema import SCALES, Study


@dataclass(frozen=True)
class Scale:
    """A study at one scale, or why it cannot be planned."""

    name: str
    plan: StudyPlan | None
    problem: str = ""


@dataclass(frozen=True)
class StudyFile:
    """One file of the folder."""

    name: str
    """File name without its ending: what addresses and commands call it."""
    study: Study | None
    """None where the file is wrong."""
    problem: str = ""
    scales: Mapping[str, Scale] = field(default_factory=dict)
    """In the order of their family: cpu, gpu, paper, or cpu, nightly, d4rl."""


def study_files() -> dict[str, StudyFile]:
    """Return every study by name, in the order of their names."""
    folder = Path(settings.STUDIES_DIR)
    paths = sorted(folder.glob("*.yaml"), key=natural_order)
    return {path.stem: _cached(path, path.stat().st_mtime_ns) for path in paths}


def natural_order(path: Path) -> list[tuple[str, int]]:
    """Sort topr_fig3_8 before topr_fig10: texts as texts, numbers as numbers."""
    parts = re.findall(r"(\D+)(\d*)", path.stem)
    return [(text, int(digits or 0)) for text, digits in parts]


@lru_cache(maxsize=256)
def _cached(path: Path, _changed_ns: int) -> StudyFile:
    return read_study(path.stem, path.read_text(encoding="utf-8"))


def read_study(name: str, text: str) -> StudyFile:
    """Return a study's file as far as it makes sense; what does not is told with its line."""
    try:
        parsed = parse(text)
    except YamlError as error:
        return StudyFile(name, None, f"Line {error.line}: {error}")
    try:
        study = Study.model_validate(parsed.data)
    except ValidationError as error:
        return StudyFile(name, None, _told(error, parsed))
    scales: dict[str, Scale] = {
        scale: _scale(name, study, scale)
        for scale in SCALES[study.family]
        if scale in study.profiles
    }
    return StudyFile(name, study, "", scales)


def _told(error: ValidationError, parsed: Parsed) -> str:
    first = error.errors()[0]
    path = first["loc"]
    line = parsed.line(path)
    return f"Line {line or 1}: {'.'.join(map(str, path))}: {first['msg']}"


def _scale(name: str, study: Study, scale: str) -> Scale:
    try:
        return Scale(scale, plan_profile(name, study, scale))
    except StudyError as error:
        return Scale(scale, None, str(error))
