"""Algorithms from outside this repository, in the whole application."""
