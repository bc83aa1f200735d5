"""Figures of evaluations: pure functions of which completion was correct and what it answered."""
