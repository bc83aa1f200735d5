"""The control laboratory through its pages: data, policies, one pair of networks, corrections."""

import csv
import re

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor

MINUTES = 60_000
SMALL = {
    "settings": {"steps": "300", "log_every": "100", "evaluate_every": "100"},
    "score": {"settings__steps": "400"},
    "inverse_dynamics": {"settings__steps": "200"},
    "evaluate": {"episodes": "60"},
}
NAMES = {"BC", "TD3+BC", "BC + CDSA", "TD3+BC + CDSA"}


def _collect(page: Page) -> None:
    page.goto("/datasets/collect/")
    page.locator("#id_amount").fill("300")
    page.locator("#id_reference_episodes").fill("20")
    page.locator("#id_name").fill("detours")
    page.get_by_role("button", name="Collect", exact=True).last.click()
    page.wait_for_url(re.compile(r"/datasets/\d+/$"))


def _launch(page: Page) -> None:
    page.goto("/experiments/new/?recipe=control")
    page.locator("#id_name").fill("Back to the data?")
    page.locator("#id_dataset_id").select_option(label="detours v1")
    page.locator("#id_seeds").fill("0")
    for place, name in enumerate(("bc", "td3_bc"), start=1):
        page.locator(f"[data-offer='{name}']").check()
        expect(page.locator("[name=row]")).to_have_count(place)
    for section, fields in SMALL.items():
        page.locator(f"#section-{section} > summary").click()
        for name, value in fields.items():
            page.locator(f"#id_{section}-{name}").fill(value)
    expect(page.locator("#plan .plan-title")).to_contain_text("4 runs in 4 compared groups")
    page.locator(".new-experiment-plan").get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/experiments/\d+/$"))


def _jobs(page: Page) -> None:
    """The networks are trained once for all policies."""
    expect(page.locator("#status h2").first).to_contain_text("Succeeded", timeout=4 * MINUTES)
    text = page.locator("main").inner_text()
    assert text.count("Score network") == 1
    assert text.count("Inverse dynamics model") == 1


def _drawn(page: Page, name: str) -> list[str]:
    """Return the names of a plot's traces, as soon as it is drawn.

    Plots are drawn where they are seen, and a live part of a page may be fetched again meanwhile.
    """
    found = page.wait_for_function(
        """(name) => {
            const figure = document.querySelector(`[data-figure-name="${name}"]`);
            figure?.scrollIntoView();
            const traces = figure?.querySelector(".js-plotly-plot")?._fullData;
            return traces?.length ? traces.map((trace) => trace.name) : false;
        }""",
        arg=name,
    )
    names: list[str] = found.json_value()
    return names


def _compare(page: Page) -> None:
    page.get_by_role("link", name="Compare", exact=True).last.click()
    page.wait_for_url(re.compile(r"/compare/\?runs="))
    expect(page.locator("main")).to_contain_text("the paper's values are not verified")
    rows = page.locator("#final-table tbody tr")
    expect(rows).to_have_count(4)
    shown = {name.split("\n")[0].strip() for name in rows.locator("th").all_inner_texts()}
    assert shown == NAMES
    with page.expect_download() as download:
        page.get_by_role("link", name="Episodes").click()
    with download.value.path().open(newline="") as file:
        episodes = list(csv.DictReader(file))
    assert len(episodes) == 4 * 60
    seeds = {(row["group"], row["reset_seed"]) for row in episodes}
    assert len({seed for _, seed in seeds}) == 60


def _tail_on_the_page(page: Page) -> None:
    page.locator("[name=alpha]").fill("0.25")
    expect(page.locator("#final-table thead")).to_contain_text("CVaR 25%")
    page.wait_for_url("**alpha=0.25**")


def _trajectories(page: Page) -> None:
    names = _drawn(page, "trajectories")
    assert names[:2] == ["BC, seed 0", "BC + CDSA, seed 0"]
    key = page.locator("[name=watch] option", has_text="TD3+BC + CDSA").get_attribute("value")
    page.locator("[name=watch]").select_option(key)
    page.wait_for_url(f"**watch={key}**")
    assert _drawn(page, "trajectories")[:2] == ["TD3+BC, seed 0", "TD3+BC + CDSA, seed 0"]


def _evaluation(page: Page) -> None:
    page.locator("#runs-panel > summary").click()
    page.locator("#runs-panel").get_by_role("link", name="evaluation").last.click()
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    expect(page.locator("#risk-table")).to_contain_text("CVaR 10%")
    assert _drawn(page, "trajectories")


def _films(page: Page) -> None:
    """Two episodes are rendered by a worker; nothing moves before it is asked to."""
    section = page.locator("#renderings")
    expect(section).to_contain_text("No episode is rendered yet")
    section.get_by_role("button", name="Render episodes").click()
    expect(section.locator(".film")).to_have_count(2, timeout=MINUTES)
    picture = section.locator("img").first
    expect(picture).to_have_js_property("naturalWidth", 2 * 320 + 8)
    expect(picture).to_have_attribute("src", re.compile(r"still-1\.webp$"))
    section.get_by_role("button", name="Play").first.click()
    expect(picture).to_have_attribute("src", re.compile(r"episode-1\.webp$"))
    section.get_by_role("button", name="Stop").click()
    expect(picture).to_have_attribute("src", re.compile(r"still-1\.webp$"))


def _score_field(page: Page) -> None:
    page.goto("/labs/score-field/")
    _drawn(page, "score-field")
    before = page.locator("#sigma-shown").inner_text()
    page.locator("#id_level").press("ArrowLeft")
    expect(page.locator("#sigma-shown")).not_to_have_text(before)
    page.wait_for_url("**level=**")
    page.locator("#id_y").select_option("0")
    expect(page.locator("#result")).to_contain_text("mend the field")
    page.locator("#id_y").select_option("1")
    expect(page.locator("#result")).to_contain_text("Log density along lines")


def _correction(page: Page) -> None:
    page.goto("/labs/correction/")
    _drawn(page, "correction")
    rows = page.locator("#result tbody tr")
    expect(rows).to_have_count(6)  # the policy's action, and PointMass' five corrections
    page.locator("#id_c-steps").fill("2")
    expect(rows).to_have_count(3)
    page.locator("#id_action").fill("0.5 -0.25")
    expect(rows.first).to_contain_text("the typed action")
    page.reload()
    expect(rows.first).to_contain_text("the typed action")
    expect(rows).to_have_count(3)


def _point_mass(page: Page) -> None:
    page.goto("/labs/point-mass/")
    _drawn(page, "point-mass")
    expect(page.locator("#result tbody tr")).to_have_count(8)
    page.locator("#id_episodes").fill("3")
    expect(page.locator("#result tbody tr")).to_have_count(3)
    player = page.locator("[data-lab-player]")
    player.get_by_role("button").click()
    expect(player.locator("output")).not_to_contain_text("step 0")
    page.wait_for_url("**episodes=3**")


def test_from_collected_data_to_corrected_policies(visitor: Visitor) -> None:
    visitor.site.start_workers(2)
    page = visitor.page
    _collect(page)
    _launch(page)
    _jobs(page)
    _compare(page)
    _tail_on_the_page(page)
    _trajectories(page)
    _evaluation(page)
    _films(page)
    _score_field(page)
    _correction(page)
    _point_mass(page)
