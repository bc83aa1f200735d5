"""Recipes on the New experiment page: each shows fields of its own; one online run from a click."""

import re
from collections.abc import Mapping

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor

OWN: Mapping[str, tuple[str, ...]] = {
    "iterated": ("iterations", "start", "optimizer"),
    "mixture": ("own_weight", "first__weight", "size"),
    "online": ("regime", "sync_interval", "sync_offset", "replay__buffer"),
    "verifier": ("verifications", "held_out_solutions", "verdicts__template"),
    "offline": (),
}
"""Fields that each recipe alone shows."""
MINUTES = 60_000


@pytest.fixture
def new_page(visitor: Visitor, sources: None) -> Page:
    """Return the page with a name, sources and an algorithm that every recipe takes."""
    page = visitor.page
    page.goto("/experiments/new/?algorithm=reinforce")
    page.locator("#id_name").fill("Which recipe?")
    page.locator("#id_dataset_id").select_option(label="New page v1")
    page.locator("#id_policy_id").select_option(label="New page")
    page.locator("#id_seeds").fill("0")
    return page


def _field(page: Page, name: str) -> str:
    return f"#recipe [name='recipe_settings-{name}']"


def test_each_recipe_shows_fields_of_its_own_and_is_planned(new_page: Page) -> None:
    for recipe, fields in OWN.items():
        new_page.locator("#id_recipe").select_option(recipe)
        for name in fields:
            expect(new_page.locator(_field(new_page, name))).to_have_count(1)
        for other in set(OWN) - {recipe}:
            for name in OWN[other]:
                expect(new_page.locator(_field(new_page, name))).to_have_count(0)
    expect(new_page.locator("#plan .plan-title")).to_contain_text("2 runs in 2 compared groups")
    new_page.locator("#id_recipe").select_option("control")
    new_page.wait_for_url("**/experiments/new/control/**")  # a page of its own: another family


def test_an_online_training_is_launched_and_its_completions_are_browsed(
    new_page: Page, visitor: Visitor
) -> None:
    visitor.site.start_workers()
    new_page.locator("#id_recipe").select_option("online")
    new_page.locator(_field(new_page, "prompts_per_step")).fill("2")
    new_page.locator(_field(new_page, "sync_offset")).fill("1")
    for group, typed in {
        "settings": {"steps": "3", "batch_size": "4", "micro_batch_size": "4"},
        "generate": {"completions": "2", "sampling__max_new_tokens": "4"},
        "evaluate": {"samples": "1", "sampling__max_new_tokens": "4"},
    }.items():
        new_page.locator(f"#section-{group} > summary").click()
        for name, text in typed.items():
            new_page.locator(f"#id_{group}-{name}").fill(text)
    expect(new_page.locator("[data-figure-name=schedule] .main-svg").first).to_be_visible()
    expect(new_page.locator("#plan .plan-title")).to_contain_text("2 runs in 2 compared groups")
    new_page.locator(".new-experiment-plan").get_by_role("button", name="Launch").click()
    new_page.wait_for_url(re.compile(r"/experiments/\d+/$"))
    state = new_page.locator("#status h2").first
    expect(state).to_contain_text("Succeeded", timeout=3 * MINUTES)
    new_page.get_by_role("link", name=re.compile("^Generate and train")).first.click()
    new_page.get_by_role("link", name="Browse the completions").click()
    expect(new_page.locator(".rollout-rows tbody tr")).to_have_count(12)
    new_page.get_by_label("Update that learned from it").fill("3")
    new_page.get_by_role("button", name="Filter").click()
    expect(new_page.locator(".rollout-rows tbody tr")).to_have_count(4)
