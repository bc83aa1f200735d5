"""Curation in a browser: steps come and go, the composition follows, what cannot be is said."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.site import Site
from tests.browser.visitor import Visitor

MAKE = """
from tests.webapp.results import made
print("job", made.make_rollouts(made.random_rollouts(20, 8)).pk)
"""


@pytest.fixture(scope="module")
def rollouts(site: Site) -> str:
    """Return the address of 160 graded completions of 20 prompts."""
    told = site.manage("shell", "--verbosity", "0", "--command", MAKE)
    found = re.search(r"job (\d+)", told)
    assert found is not None, told
    return f"/rollouts/{found[1]}/"


def _after(page: Page, label: str) -> Locator:
    """Return the cell that says what the steps leave."""
    row = page.locator("#composition tr").filter(has=page.get_by_role("rowheader", name=label))
    return row.locator("td").last


def _add(page: Page, kind: str) -> Locator:
    steps = page.locator("[data-step]")
    known = steps.count()
    page.get_by_label("Kind of step to add").select_option(label=kind)
    page.get_by_role("button", name="Add this step").click()
    expect(steps).to_have_count(known + 1)
    return steps.last


def test_steps_are_added_judged_live_and_saved_as_a_set(visitor: Visitor, rollouts: str) -> None:
    page = visitor.page
    page.goto(rollouts)
    page.get_by_role("link", name="Curate").click()
    expect(_after(page, "Completions")).to_have_text("160")
    cap = _add(page, "Cap per prompt")
    cap.get_by_label("Completions").fill("4")
    expect(_after(page, "Completions")).to_have_text("80")
    expect(cap.locator(".step-stage")).to_have_text("160 → 80")

    draw = _add(page, "Uniform sample")
    draw.get_by_label("Size").fill("81")
    expect(draw.locator(".section-errors")).to_contain_text("Asks for 81 completions, but 80")
    expect(_after(page, "Completions")).to_have_text("–")
    draw.get_by_label("Size").fill("30")
    expect(draw.locator(".section-errors .errorlist")).to_have_count(0)
    expect(_after(page, "Completions")).to_have_text("30")

    page.get_by_label("Uniform sample: one step earlier").click()
    expect(page.locator("[data-step] .step-title b").first).to_have_text("Uniform sample")
    expect(_after(page, "Completions")).not_to_have_text("80")
    page.reload()  # the address restores what was typed
    expect(page.locator("[data-step]")).to_have_count(2)
    page.get_by_label("Uniform sample: remove this step").click()
    expect(_after(page, "Completions")).to_have_text("80")

    page.get_by_label("Name").fill("four of each")
    page.get_by_role("button", name="Save as a set").click()
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    expect(page.locator("main")).to_contain_text("makes “four of each”")
    page.goto(f"{rollouts}curate/")
    expect(page.get_by_role("link", name="four of each")).to_have_count(1)


def test_the_page_fits_a_phone_and_says_what_is_wrong_there_too(
    chromium: Browser, site: Site, rollouts: str
) -> None:
    narrow = Visitor.open(chromium, site, width=390)
    narrow.sign_in(f"{rollouts}curate/")
    page = narrow.page
    step = _add(page, "Exact share of positives")
    step.get_by_label("Size").fill("500")
    expect(step.locator(".section-errors")).to_contain_text("Asks for")
    step.get_by_label("Size").fill("20")
    expect(_after(page, "Completions")).to_have_text("20")
    assert narrow.overflow() == 0
    for tool in step.locator(".step-tools button").all():
        box = tool.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390
    page.context.close()
    assert narrow.complaints == []


def test_completions_are_graded_again_and_both_gradings_shown(
    visitor: Visitor, rollouts: str
) -> None:
    page = visitor.page
    page.goto(rollouts)
    page.get_by_role("link", name="Grade again with…").click()
    page.get_by_label("Grader", exact=True).select_option("exact")
    page.get_by_label("Invalid", exact=True).fill("-2")
    page.get_by_role("button", name="Grade", exact=True).click()
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    page.goto(rollouts)
    expect(page.locator("#gradings tbody tr")).to_have_count(2)
    expect(page.locator("#gradings")).to_contain_text("exact grader: correct +1")
    expect(page.locator("#gradings")).to_contain_text("invalid −2")
