"""How long the pages of a running application take to answer.

    python -m benchmarks.pages http://127.0.0.1:8000 USER PASSWORD [--repeat 7]

Opens every list, and from each the first detail page that it links to; prints the median and the
longest of the repetitions in milliseconds. The target is 150 ms with the demo's data.
"""

import argparse
import re
import statistics
import sys
import time
from collections.abc import Sequence

import httpx

TARGET_MS = 150
LISTS = (
    "/experiments/",
    "/experiments/new/",
    "/datasets/",
    "/datasets/new/",
    "/policies/",
    "/policies/new/",
    "/algorithms/",
    "/rollouts/",
    "/compare/",
    "/queue/",
    "/accounts/",
)
DETAIL = re.compile(r'href="(/(?:experiments|datasets|policies|algorithms|rollouts|jobs)/[^"?#]+/)')


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line per page; return 1 where one does not answer with a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args(argv)
    with httpx.Client(base_url=options.url, follow_redirects=True, timeout=60) as client:
        _sign_in(client, options.user, options.password)
        pages = _pages(client)
        broken = sum(not _measure(client, page, options.repeat) for page in pages)
    return 1 if broken else 0


def _sign_in(client: httpx.Client, user: str, password: str) -> None:
    page = client.get("/accounts/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    fields = {"username": user, "password": password}
    if token:
        fields["csrfmiddlewaretoken"] = token[1]
    answer = client.post("/accounts/login/", data=fields, headers={"Referer": str(page.url)})
    if answer.url.path == "/accounts/login/":
        raise SystemExit(f"{user} could not sign in with this password.")


def _pages(client: httpx.Client) -> list[str]:
    found: dict[str, None] = {}
    for page in LISTS:
        answer = client.get(page)
        if answer.status_code == httpx.codes.NOT_FOUND:
            continue
        found[page] = None
        found |= dict.fromkeys(_first_of_each_kind(answer.text))
    return list(found)


def _first_of_each_kind(text: str) -> list[str]:
    first: dict[str, str] = {}
    for address in DETAIL.findall(text):
        if address not in LISTS:
            first.setdefault(re.sub(r"\d+", "N", address), address)
    return list(first.values())[:3]


def _measure(client: httpx.Client, page: str, repeat: int) -> bool:
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        answer = client.get(page)
        times.append(1000 * (time.perf_counter() - started))
        if answer.status_code != httpx.codes.OK:
            sys.stdout.write(f"{page:<44} answered {answer.status_code}\n")
            return False
    median = statistics.median(times)
    note = "  over the target" if median > TARGET_MS else ""
    sys.stdout.write(f"{page:<44} {median:6.0f} ms  longest {max(times):6.0f} ms{note}\n")
    return True


if __name__ == "__main__":
    sys.exit(main())
