"""Hypothesis: the same examples in every run, and no time limit on one (machines are shared)."""

from hypothesis import settings

settings.register_profile("lab", deadline=None, derandomize=True)
settings.load_profile("lab")
