"""Policies that act in an environment: making them, their pages."""
