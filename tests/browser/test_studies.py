"""A study in a browser: one press reproduces it, a second press finds nothing to do."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

MINUTES = 60_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_press_reproduces_a_study(visitor: Visitor) -> None:
    visitor.site.start_workers(2)
    page = visitor.page
    page.goto("/studies/")
    page.get_by_role("link", name="Does a small study work?").click()
    state = page.locator("#study-state")
    expect(state).to_contain_text("nothing measured")
    page.get_by_role("button", name="Reproduce").click()
    expect(page.get_by_text(re.compile(r"\d+ jobs are queued"))).to_be_visible()
    # The page follows the jobs by itself.
    expect(state.locator(".state-succeeded")).to_be_visible(timeout=4 * MINUTES)
    claim = page.locator("#claim-alike")
    expect(claim).to_contain_text("2 seeds")
    expect(claim).to_contain_text(re.compile("holds|does not hold|undecided"))
    page.reload()
    expect(page.locator('[data-figure-name="accuracy"] .scatterlayer .trace').first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Runs", exact=True).click()
    assert saved.value.suggested_filename == "small-cpu-runs.csv"
    page.get_by_role("button", name="Reproduce").click()
    expect(page.get_by_text("Nothing is missing")).to_be_visible()
    claim = page.locator("#claim-ends_above")
    claim.get_by_role("link", name="4 runs").click()
    page.wait_for_url(re.compile(r"/compare/\?runs="))
