"""Addresses of the labs, and what answers to them tell."""

import re
from html import unescape

from django.http import QueryDict

from algorithms.labs.presets import BANDIT_EXAMPLES, Choice
from webapp.labs import bandit_page
from webapp.labs.choices import put_choices

HTMX = {"HX-Request": "true"}
LOSS, BANDIT = "/labs/loss/", "/labs/bandit/"


def loss_data(*algorithms: str, rows: str = "1 1 -1,-0.5 -0.8,-0.6") -> QueryDict:
    """Return an address of completions, `prompt reward pi mu` each, and algorithms by default."""
    data = QueryDict(mutable=True)
    for row in rows.split("|"):
        for name, text in zip(("prompt", "reward", "pi", "mu"), row.split(" "), strict=True):
            data.appendlist(name, text)
        data.appendlist("ref", "")
    put_choices(data, [Choice(name, name, {}) for name in algorithms])
    return data


def bandit_data(*algorithms: str, updates: int = 200) -> QueryDict:
    data = bandit_page.example_data(BANDIT_EXAMPLES["group-relative"])
    for key in [name for name in data if name == "choice" or re.match(r"a\d", name)]:
        del data[key]
    data["updates"] = str(updates)
    put_choices(data, [Choice(name, name, {}) for name in algorithms])
    return data


def error_at(answer: str, target: str) -> str:
    found = re.search(rf'<template data-error-for="{target}">([^<]*)</template>', answer)
    assert found, f"nothing is told at {target}: {answer[:400]}"
    return unescape(found[1])


def figure_url(answer: str, name: str) -> str:
    """Return the address of the plot that a fragment makes the page load."""
    found = re.search(rf'data-load-figure="{name}" data-url="([^"]*)"', answer)
    assert found, f"no plot {name} is loaded: {answer[:400]}"
    return unescape(found[1])
