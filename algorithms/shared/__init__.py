"""Formulas that several algorithms share, one per function."""
