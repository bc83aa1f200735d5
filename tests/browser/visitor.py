"""A person with a browser, who notices errors, requests that leave, and overflow."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.browser.site import Site

Scheme = Literal["light", "dark"]
HEIGHTS = {1440: 900, 390: 844}


@dataclass
class Visitor:
    """One browser window of a person who may be signed in."""

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls, browser: Browser, site: Site, *, scheme: Scheme = "light", width: int = 1440
    ) -> "Visitor":
        """Open a window of its own, with empty storage."""
        context = browser.new_context(
            base_url=site.url,
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        visitor = cls(context.new_page(), site)
        visitor.page.set_default_timeout(30_000)
        visitor.page.on("console", visitor._heard)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(f"error: {error}"))
        visitor.page.on("request", visitor._asked)
        return visitor

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:", "blob:")):
            self.complaints.append(f"a request left the machine: {request.url}")

    def sign_in(self, to: str = "/datasets/") -> None:
        """Sign in as the demo account and go on to a page."""
        self.page.goto(f"/accounts/login/?next={to}")
        self.page.get_by_label("Username").fill(self.site.user)
        self.page.get_by_label("Password").fill(self.site.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: urlsplit(url).path == urlsplit(to).path)

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        script = "document.documentElement.scrollWidth - window.innerWidth"
        return max(0, int(self.page.evaluate(script)))

    def shoot(self, path: Path) -> None:
        """Save a picture of the whole page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path, full_page=True)
