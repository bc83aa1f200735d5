"""The Loss lab and the Bandit lab in a browser: live, restored by address, by keyboard too."""

import re

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor


def _table_text(page: Page, text: str) -> None:
    expect(page.locator("#result")).to_contain_text(text, timeout=20_000)


def test_the_loss_lab_follows_what_is_typed_and_its_address_restores_it(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/labs/loss/?example=eight-tokens")
    _table_text(page, "0.456399")  # TOPR's loss of vector 7.3
    expect(page.locator("#result")).to_contain_text("OneSide-NoIS .2/.2")
    expect(page.locator("#summary-a0")).to_contain_text("clip none")
    page.locator("#reward-0").fill("x")
    expect(page.locator("td", has=page.locator("#reward-0"))).to_contain_text("is not a number")
    expect(page.locator("#reward-0")).to_have_value("x")
    page.locator("#reward-0").fill("1.5")
    expect(page.locator("td", has=page.locator("#reward-0"))).not_to_contain_text("not a number")
    _table_text(page, "1.5")
    page.wait_for_url(re.compile(r"reward=1\.5"))
    page.reload()
    expect(page.locator("#reward-0")).to_have_value("1.5")
    _table_text(page, "Ring-NoIS")


def test_rows_and_algorithms_come_and_go_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/labs/loss/?example=one-of-four")
    rows = page.locator("[data-typed-rows] > tr")
    expect(rows).to_have_count(4)
    page.get_by_role("button", name="One more like this").nth(3).press("Enter")
    expect(rows).to_have_count(5)
    page.keyboard.type("1")
    _table_text(page, "0.6")  # two of five are right: A = 1 - 0.4
    page.get_by_label("Algorithm or preset to add").select_option("cispo")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    expect(page.locator("[data-choice]")).to_have_count(7)
    _table_text(page, "CISPO")
    page.get_by_role("button", name="Remove CISPO").press("Enter")
    expect(page.locator("#result")).not_to_contain_text("CISPO")
    slider = rows.first.locator("[data-ratio]")
    slider.focus()
    slider.press("End")
    expect(page.locator("#pi-0")).to_have_value("0")  # mu is 0.2: no ratio above 5
    _table_text(page, "5")


def test_the_bandit_lab_plays_to_the_papers_table_and_draws_it(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/labs/bandit/?example=rare-positive")
    row = page.locator("#result tbody tr")
    for name, half_at in {
        r"^\s*SFT on positives": "update 68",
        r"^\s*TOPR": "update 58",
        r"^\s*OPR": "update 3,317",
        r"^\s*TIS": "never",
    }.items():
        named = row.filter(has_text=re.compile(name))
        expect(named).to_contain_text(half_at, timeout=60_000)
    expect(page.locator('[data-figure-name="simplex"] .ternarylayer')).to_have_count(1)
    page.locator("#behaviour-0").fill("0.125")
    expect(page.locator("#errors-arms").locator("..")).to_contain_text("whole percents")
    page.locator("#behaviour-0").fill("0.1")
    expect(page.locator("#result")).to_contain_text("update 58", timeout=30_000)
