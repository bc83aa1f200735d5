"""Everything needs a login: walks every address that there is."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

OPEN = {"/accounts/login/"}
"""What a stranger may see."""

SAMPLES = {
    "int": "1",
    "str": "1",
    "slug": "topr",
    "uuid": str(UUID(int=1)),
    "path": "auth/user/1/change/",
}


def addresses(resolver: URLResolver | None = None, before: str = "/") -> Iterator[str]:
    """Yield one example of every address; an address that cannot be exemplified fails the test."""
    for entry in (resolver or get_resolver()).url_patterns:
        example = before + _example(entry)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, example)
        else:
            assert isinstance(entry, URLPattern)
            yield example


def _example(entry: URLPattern | URLResolver) -> str:
    text = str(entry.pattern)
    if "(?P<" not in text:
        return re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], text)
    text = re.sub(r"\(\?P<\w+>\\d\+\)", "1", text)
    text = re.sub(r"\(\?P<\w+>\(?([\w.\\]+)(\|[^)]*)?\)+", r"\1", text)  # the first alternative
    text = re.sub(r"\(\?P<url>\.\*\)", "anything", text)
    return text.strip("^$").replace("\\Z", "").replace("\\.", ".").replace("(?:", "").rstrip("$")


ALL = sorted(set(addresses()) - OPEN)


def test_the_walk_finds_the_pages() -> None:
    found = "\n".join(ALL)

    assert len(ALL) > 40
    for prefix in ("/datasets/", "/policies/", "/accounts/", "/api/v1/", "/admin/", "/styleguide/"):
        assert f"\n{prefix}" in found


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_the_login_or_refused(client: Client, method: str) -> None:
    answers = {address: getattr(client, method)(address) for address in ALL}

    let_in = [address for address, answer in answers.items() if not _refuses(address, answer)]
    assert not let_in


def _refuses(address: str, answer: HttpResponse) -> bool:
    if answer.status_code == 302:
        login = ("/accounts/login/?", reverse("admin:login") + "?")
        return answer["Location"].startswith(login)
    if address.startswith(reverse("admin:login")):
        return True  # a sign-in page of its own
    if address == reverse("api:api-root"):
        return answer.status_code in {404, 405}  # nothing is there, for anybody
    return answer.status_code in {401, 403, 405}


def test_the_examples_are_addresses_that_exist() -> None:
    for address in ALL:
        assert get_resolver().resolve(address)  # raises where there is none
