"""The New experiment page in a browser: live errors, nothing lost, launched once."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor


@pytest.fixture
def new_page(visitor: Visitor, sources: None) -> Page:
    """Return the page with a name and TOPR ticked."""
    page = visitor.page
    page.goto("/experiments/new/")
    page.locator("#id_name").fill("Typed by hand")
    page.locator('[data-offer="topr"]').check()
    expect(page.locator(".choice-row")).to_have_count(1)
    page.locator(".choice-row summary").click()
    return page


def _plan(page: Page, text: str) -> None:
    expect(page.locator("#plan .plan-title")).to_contain_text(text)


def test_the_plan_follows_what_is_typed_and_errors_sit_at_their_field(new_page: Page) -> None:
    _plan(new_page, "4 runs in 2 compared groups")
    new_page.locator("#id_seeds").fill("0-4")
    _plan(new_page, "6 runs in 2 compared groups")
    baseline = new_page.locator("#id_row0p-baseline")
    field = new_page.locator(".field", has=baseline)
    baseline.fill("-7")
    expect(field).to_contain_text("Enter a number between -1 and 1.")
    expect(baseline).to_have_value("-7")
    baseline.fill("-0.5")
    expect(field).not_to_contain_text("Enter a number")
    expect(new_page.locator("#summary-row0")).to_have_text("baseline -0.5")


def test_rows_are_copied_removed_and_unticked(new_page: Page) -> None:
    new_page.locator("#id_row0p-baseline").fill("-0.25")
    new_page.get_by_label("Compare once more with other settings").click()
    expect(new_page.locator("#id_row1-label")).to_have_value("TOPR 2")
    expect(new_page.locator("#id_row1p-baseline")).to_have_value("-0.25")
    new_page.get_by_label("Remove", exact=True).first.click()
    expect(new_page.locator('[data-offer="topr"]')).to_be_checked()
    new_page.locator('[data-offer="topr"]').uncheck()
    expect(new_page.locator(".choice-row")).to_have_count(0)


def test_a_session_that_ends_loses_nothing_that_was_typed(new_page: Page, visitor: Visitor) -> None:
    new_page.locator("#id_seeds").fill("3, 5")
    new_page.context.clear_cookies(name="sessionid")
    new_page.locator(".new-experiment-plan .btn-launch").click()
    new_page.wait_for_url("**/accounts/login/**")
    new_page.get_by_label("Username").fill(visitor.site.user)
    new_page.get_by_label("Password").fill(visitor.site.password)
    new_page.get_by_role("button", name="Sign in").click()
    expect(new_page.get_by_text("was restored")).to_be_visible()
    expect(new_page.locator("#id_name")).to_have_value("Typed by hand")
    expect(new_page.locator("#id_seeds")).to_have_value("3, 5")
    expect(new_page.locator("#id_row0-label")).to_have_value("TOPR")
    _plan(new_page, "3 runs in 2 compared groups")
    new_page.get_by_role("button", name="Start afresh").click()
    expect(new_page.locator("#id_name")).to_have_value("")


def test_ctrl_enter_asks_and_launches_once_and_the_page_forgets(new_page: Page) -> None:
    _plan(new_page, "runs")
    new_page.keyboard.press("Control+Enter")
    expect(new_page.get_by_role("dialog")).to_contain_text("4 runs, 9 jobs")
    new_page.keyboard.press("Control+Enter")
    new_page.wait_for_url(re.compile(r"/experiments/\d+/$"))
    new_page.goto("/experiments/new/")
    expect(new_page.locator("#plan .plan-title")).to_have_text("No plan yet")
    expect(new_page.locator("#id_name")).to_have_value("")
