"""Pictures of pages of a running site: light and dark, wide and narrow.

python -m tests.browser.screens http://127.0.0.1:8000 USER PASSWORD FOLDER /datasets/ /policies/ ...
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import OPTIONS, which_chromium
from tests.browser.site import Site
from tests.browser.visitor import Visitor

DRAWN = """() => [...document.querySelectorAll("[data-figure-url]")].every(
    (figure) => figure.dataset.figureReady && !figure.hasAttribute("aria-busy")
        && (figure.labFigure || !figure.querySelector(".figure-note").hidden))"""
"""Whether every plot of the page is drawn."""


def main(url: str, user: str, password: str, folder: str, *paths: str) -> int:
    """Save FOLDER/<page>.<scheme>-<width>.png for each; tell what was noticed."""
    site = Site({}, Path(folder), 0)
    site.url, site.user, site.password = url.rstrip("/"), user, password
    noticed: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which_chromium(), args=OPTIONS)
        for scheme in ("light", "dark"):
            for width in (1440, 390):
                someone = Visitor.open(browser, site, scheme=scheme, width=width)
                someone.sign_in()
                for path in paths:
                    someone.page.goto(path)
                    someone.page.wait_for_function(DRAWN)
                    someone.page.wait_for_timeout(300)
                    name = path.split("?", maxsplit=1)[0].strip("/").replace("/", "_") or "first"
                    someone.shoot(Path(folder) / f"{name}.{scheme}-{width}.png")
                    if pixels := someone.overflow():
                        noticed.append(f"{path} at {width}: {pixels} pixels too wide")
                noticed += someone.complaints
                someone.page.context.close()
    sys.stdout.write("\n".join(noticed) + "\n")
    return 1 if noticed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
