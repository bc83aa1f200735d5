"""What is known of a kind of job."""

from dataclasses import dataclass

from algorithms.base import Schema


@dataclass(frozen=True)
class Kind:
    """One kind of job."""

    spec: type[Schema]
    version: int
    """Version of the code that computes it; part of every fingerprint."""
    roles: tuple[str, ...] = ()
    """Inputs it needs."""
    optional_roles: tuple[str, ...] = ()
    """Inputs it takes when given."""
