"""A live site and a Chromium; tests skip, and say so, where no Chromium can be had.

Everything that is signed in runs in processes of its own: Playwright's event loop and Django's ORM
do not go together in one thread.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

from launcher.services import Services
from tests.browser.site import Site, make_site
from tests.browser.visitor import Visitor

SYSTEM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"]

SOURCES = """
from algorithms.sources import ArithmeticSource, TinyLlama
from algorithms.specs import DatasetSpec, PolicySpec
from webapp.accounts.models import User
from webapp.datasets.services import dataset_from_source
from webapp.policies.services import policy_from_source

owner = User.objects.get(username="demo")
source = ArithmeticSource(train=8, test=4, digits=1, seed=77)
dataset_from_source(owner=owner, name="New page", spec=DatasetSpec(source=source))
model = TinyLlama(hidden_size=16, layers=1, heads=2, seed=77)
policy_from_source(
    owner=owner, name="New page", spec=PolicySpec(source=model), warm_start=None, dataset=None
)
"""
"""A data set and a policy that are not made before a worker is there."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything of this folder."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Return the system's Chromium, or Playwright's own."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        yield browser
        browser.close()


def which_chromium() -> str | None:
    """Return the system's Chromium; None leaves the choice to Playwright."""
    return next(filter(None, map(shutil.which, SYSTEM)), None)


def _launch(playwright: Playwright) -> Browser:
    found = which_chromium()
    try:
        return playwright.chromium.launch(executable_path=found, args=OPTIONS)
    except Error as error:
        pytest.skip(
            f"no Chromium ({found or 'none of the system, nor Playwright’s'}) starts here: "
            f"{error.message.splitlines()[0]}. Install one: apt-get install chromium, or "
            "playwright install chromium."
        )


@pytest.fixture(scope="package")
def site(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return the running application on an empty database."""
    folder = tmp_path_factory.mktemp("site")
    studies = {"LAB_STUDIES": str(_small_study(folder / "studies"))}
    site = make_site(services, folder, "browser", broker=7, extra=studies)
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="package")
def sources(site: Site) -> None:
    """Make a small dataset and policy."""
    site.manage("shell", "-c", SOURCES)


def _small_study(folder: Path) -> Path:
    """Return a folder of studies with the one of the tests in it, without its pilot."""
    text = (Path(__file__).parents[1] / "webapp/studies/small.yaml").read_text(encoding="utf-8")
    before, _, after = text.partition("    pilot:")
    folder.mkdir()
    (folder / "small.yaml").write_text(f"{before}figures:{after.partition('figures:')[2]}")
    return folder


@pytest.fixture
def visitor(chromium: Browser, site: Site) -> Iterator[Visitor]:
    """Return a signed-in person in a light, wide window, who complains at the end."""
    someone = Visitor.open(chromium, site)
    someone.sign_in()
    yield someone
    someone.page.context.close()
    assert someone.complaints == []
