"""Policies that act: learned, imported, scripted, perturbed, corrected."""
