"""Errors of a config in our own words, at the path of what they are about."""

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


def complaint(message: str) -> PydanticCustomError:
    """Return an error of the field that is being validated."""
    return PydanticCustomError("config", "{message}", {"message": message})


def located(loc: tuple[int | str, ...], message: str, value: object) -> InitErrorDetails:
    """Return an error at a path below the field that is being validated."""
    return InitErrorDetails(type=complaint(message), loc=loc, input=value)


def raise_all(errors: list[InitErrorDetails]) -> None:
    """Raise errors that keep their paths below the field that is being validated, if any."""
    if errors:
        raise ValidationError.from_exception_data("ExperimentConfig", errors)
