"""Policies kept along the way of a training: they outlive an attempt and end in its artifact."""

import shutil
from pathlib import Path

from algorithms.base import UserError
from algorithms.checkpoints import MOST_CHECKPOINTS, checkpoint_path, checkpoint_steps
from algorithms.settings import LLMSettings
from algorithms.training.policy import Policy

_FOLDER = "kept"


def keep_policy(policy: Policy, checkpoints: Path, step: int) -> None:
    """Write the policy after `step` updates, whole or not at all; an earlier attempt's goes."""
    target = checkpoints / _FOLDER / checkpoint_path(step)
    part = target.with_name(f".{target.name}.part")
    for leftover in (part, target):
        shutil.rmtree(leftover, ignore_errors=True)
    part.mkdir(parents=True)
    policy.save(part)
    part.rename(target)


def publish_kept(checkpoints: Path, output: Path) -> None:
    """Copy what was kept into the artifact.

    Copied, not moved: an attempt that fails behind this leaves the next one what it needs.
    """
    kept = checkpoints / _FOLDER
    if kept.is_dir():
        ignore = shutil.ignore_patterns(".*.part")
        shutil.copytree(kept, output, ignore=ignore, dirs_exist_ok=True)


def check_kept(settings: LLMSettings, steps: int) -> None:
    """Refuse a training whose passes over the data would keep too many policies.

    Args:
        steps: updates of the training, as its data make them.

    Raises:
        UserError: more than may be kept.
    """
    count = len(checkpoint_steps(steps, settings.keep_every))
    if count > MOST_CHECKPOINTS:
        raise UserError(
            f"{steps:,} steps with keep_every = {settings.keep_every} would keep {count} policies; "
            f"at most {MOST_CHECKPOINTS} are kept. Raise keep_every."
        )
