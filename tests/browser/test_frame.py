"""What every page shares: colours, keyboard, dialogs, figures, and room on a phone."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.site import Site
from tests.browser.visitor import Scheme, Visitor

PAGES = (
    "/styleguide/",
    "/accounts/",
    "/accounts/password/",
    "/datasets/",
    "/datasets/new/",
    "/policies/",
    "/policies/new/",
    "/policies/from-run/",
    "/experiments/",
    "/algorithms/",
    "/compare/",
    "/rollouts/",
    "/queue/",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_the_window_without_errors_and_ask_nobody_else(
    chromium: Browser, site: Site, scheme: Scheme, width: int
) -> None:
    someone = Visitor.open(chromium, site, scheme=scheme, width=width)
    someone.sign_in()
    too_wide = {}
    for path in PAGES:
        someone.page.goto(path)
        assert someone.page.locator("h1").count() == 1, path
        assert someone.page.locator("html").get_attribute("data-bs-theme") == scheme
        too_wide[path] = someone.overflow()

    someone.page.context.close()
    assert {path: pixels for path, pixels in too_wide.items() if pixels} == {}
    assert someone.complaints == []


def test_the_colours_are_chosen_once_and_stay(visitor: Visitor) -> None:
    root = visitor.page.locator("html")
    visitor.page.keyboard.press("t")  # as the system -> light
    visitor.page.keyboard.press("t")  # light -> dark
    expect(root).to_have_attribute("data-bs-theme", "dark")

    visitor.page.goto("/policies/")
    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_the_keyboard_searches_goes_places_and_explains_itself(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/styleguide/")
    page.keyboard.press("/")
    expect(page.get_by_label("Search experiments")).to_be_focused()
    page.keyboard.type("topr?")
    expect(page.get_by_label("Search experiments")).to_have_value("topr?")
    page.keyboard.press("Escape")

    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard")
    expect(keys).to_contain_text("Experiments")
    page.keyboard.press("Escape")
    expect(keys).not_to_be_visible()

    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/policies/")


def test_a_destructive_button_asks_first_and_the_safe_answer_has_the_focus(
    visitor: Visitor,
) -> None:
    page = visitor.page
    page.goto("/styleguide/")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete the dataset")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).not_to_be_visible()


def test_a_table_sorts_by_the_column_that_is_clicked(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/styleguide/")
    column = page.locator("table[data-sortable] tbody td.num")
    page.get_by_role("button", name="N", exact=True).click()
    numbers = [int(text) for text in column.all_text_contents()]
    assert numbers == sorted(numbers, reverse=True)
    page.get_by_role("button", name="N", exact=True).click()
    assert [int(text) for text in column.all_text_contents()] == sorted(numbers)


def test_a_figure_is_drawn_follows_the_colours_and_is_exported(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/styleguide/")
    figure = page.locator("[data-figure-name=sample]")
    expect(figure.locator(".scatterlayer .trace").first).to_be_attached()
    tick = figure.locator(".xtick text").first
    light = tick.evaluate("element => getComputedStyle(element).fill")
    page.keyboard.press("t")
    page.keyboard.press("t")
    expect(tick).not_to_have_css("fill", light)

    for kind in ("png", "svg"):
        with page.expect_download() as download:
            figure.get_by_role("button", name=kind.upper()).click()
        assert download.value.suggested_filename == f"sample.{kind}"
        assert download.value.path().stat().st_size > 2000


def test_a_figure_without_points_says_so(visitor: Visitor) -> None:
    visitor.page.goto("/styleguide/")
    empty = visitor.page.locator("figure", has_text="A figure without data")
    expect(empty).to_contain_text("points appear here as soon as they are measured")
    expect(empty.get_by_role("button", name="PNG")).to_be_disabled()


def test_the_menu_opens_on_a_phone(chromium: Browser, site: Site) -> None:
    someone = Visitor.open(chromium, site, width=390)
    someone.sign_in()
    link = someone.page.get_by_role("link", name="Policies")
    expect(link).not_to_be_visible()
    someone.page.get_by_role("button", name="Menu").click()
    link.click()
    someone.page.wait_for_url("**/policies/")
    someone.page.context.close()
    assert someone.complaints == []


def test_plots_out_of_sight_are_drawn_too_when_nothing_else_is_to_do(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/algorithms/")
    page.wait_for_function(
        """() => {
            const plots = [...document.querySelectorAll("[data-figure-url]")];
            return plots.length > 15 && plots.every((plot) => plot.querySelector(".main-svg"));
        }"""
    )
    assert page.evaluate("window.scrollY") == 0


def test_a_dark_page_is_printed_light_with_plots_that_fit_the_paper(
    chromium: Browser, site: Site
) -> None:
    someone = Visitor.open(chromium, site, scheme="dark")
    someone.sign_in(to="/styleguide/")
    root, plot = someone.page.locator("html"), someone.page.locator(".js-plotly-plot .main-svg")

    def width() -> int:
        return int(plot.first.evaluate("(svg) => Math.round(svg.getBoundingClientRect().width)"))

    plot.first.wait_for()
    before = width()
    someone.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(root).to_have_attribute("data-bs-theme", "light")
    printed = width()
    someone.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    after = width()
    someone.page.context.close()
    assert before > printed == 620
    assert abs(after - before) <= 1
    assert someone.complaints == []
