"""Experiments of the control laboratory: config, compared groups, and the form that asks for one.

The recipe itself is `webapp/experiments/recipes/control.py`.
"""
