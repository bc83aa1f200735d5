"""`run_job`: it knows every kind that is computed, and imports no more than that kind needs."""

import subprocess
import sys

import pytest

from algorithms.jobs import COMPUTED
from algorithms.specs import KINDS, GradeSpec
from tests.algorithms.training.world import World


def test_every_kind_but_an_upload_is_computed() -> None:
    assert set(COMPUTED) == set(KINDS) - {"upload"}


@pytest.mark.parametrize("kind", ["upload", "train", "os"])
def test_a_spec_of_another_kind_is_our_bug(world: World, kind: str) -> None:
    with pytest.raises(TypeError, match="is not the spec of a job"):
        world.run("x", kind, GradeSpec())


@pytest.mark.parametrize("kind", ["dataset", "grade"])
def test_jobs_without_a_model_do_not_wait_for_transformers(kind: str) -> None:
    script = (
        f"import sys, algorithms.jobs.{kind}\n"
        "print([name for name in ('transformers', 'datasets') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert done.stdout.decode().strip() == "[]"
