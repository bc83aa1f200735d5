"""The New experiment page as a browser would use it."""

import re
from typing import Any

from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from tests.webapp.posted import add_fields, posted

NEW = "experiments:new"


def typed(page: Client, *ticks: str, address: str = "", **changed: str) -> QueryDict:
    """Open the page, tick algorithms and type; return what the browser would post."""
    shown = page.get(address or reverse(NEW)).content.decode()
    data = posted(shown, "new-experiment")
    for offer in ticks:
        tick(page, data, add=offer)
    for name, text in changed.items():
        data[name.replace("0_", "0-", 1) if name.startswith(("row", "axis")) else name] = text
    return data


def tick(page: Client, data: QueryDict, **action: str) -> QueryDict:
    """Tick one algorithm; return its row, which is added to what would be posted."""
    return add_fields(page, data, reverse("experiments:row"), **action)


def preview(page: Client, data: QueryDict) -> str:
    """Return the plan beside the form."""
    answer = page.post(reverse("experiments:preview"), dict(data.lists()))
    assert answer.status_code == 200
    return answer.content.decode()


def errors_of(html: str) -> dict[str, str]:
    """Return what a plan says is wrong, by the id of the field."""
    found = re.findall(r'<template data-error-for="([^"]*)">([^<]*)</template>', html)
    return dict(found)


def launch(page: Client, data: QueryDict) -> Any:
    """Press Launch."""
    return page.post(reverse(NEW), dict(data.lists()))
