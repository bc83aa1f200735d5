"""Uploaded policies: kept between two attempts, and looked into before a job is started."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import File
from django.http import Http404

from algorithms.base import UserError
from algorithms.controllers.imported import read_sb3_zip
from algorithms.controllers.normalisation import read_vecnormalize
from algorithms.environments.shapes import SHAPES
from webapp.accounts.models import User
from webapp.datasets import staging
from webapp.datasets.staging import Purpose, StagedFile


def kept(
    user: User, file: "File[bytes] | None", token: str, *, purpose: Purpose, field: str
) -> StagedFile | None:
    """Return the file of this request, stored, or the one of an earlier attempt; None for none.

    Raises:
        ValidationError: the file is too large or of another kind; told at the field.
    """
    if file is not None:
        try:
            return staging.stage(
                owner=user, filename=file.name or "", chunks=file.chunks(), family=purpose
            )
        except ValidationError as error:
            raise ValidationError({field: error.message_dict["file"]}) from error
    if not token:
        return None
    try:
        return staging.find(token=token, user=user)
    except (Http404, PermissionDenied) as error:
        message = "The file of the first attempt is no longer here: choose it again."
        raise ValidationError({field: message}) from error


def require_sb3(staged: StagedFile, normalisation: StagedFile | None, environment: str) -> None:
    """Let SB3 files through that hold an actor for the environment.

    Raises:
        ValidationError: one of the files is no such file, carries code, or does not fit.
    """
    shape = SHAPES[environment]
    try:
        _, about = read_sb3_zip(staged.path)
    except UserError as error:
        raise ValidationError({"file": _named(error, staged)}) from error
    sizes = about["observation_size"], about["action_size"]
    if sizes != (shape.observation_size, shape.action_size):
        raise ValidationError(
            {
                "file": f"{staged.filename} has {sizes[0]} observation and {sizes[1]} action "
                f"dimensions, and {environment} has {shape.observation_size} and "
                f"{shape.action_size}: it is of another environment or version."
            }
        )
    if normalisation is None:
        return
    try:
        read_vecnormalize(normalisation.path, shape.observation_size)
    except UserError as error:
        raise ValidationError({"normalisation": _named(error, normalisation)}) from error


def _named(error: UserError, staged: StagedFile) -> str:
    """Return the message with the name that the file has on the person's computer."""
    return str(error).replace(staged.path.name, staged.filename)
