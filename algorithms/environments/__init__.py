"""Environments that data are collected in and policies are evaluated in."""
