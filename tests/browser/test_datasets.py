"""A person brings data: a file with mistakes, the generator, and back again."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.visitor import Visitor


def test_a_file_with_bad_rows_is_uploaded_mended_by_decision_and_seen(
    visitor: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "riddles.csv"
    file.write_text("question,solution\n1+1=,2\n<b>bold</b>,3\nno answer,\n")
    page = visitor.page
    page.goto("/datasets/new/")
    page.locator("#id_name").fill("riddles")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="riddles.csv")).to_be_visible()
    expect(page.get_by_label("Prompt")).to_have_value("question")
    expect(page.get_by_label("Answer")).to_have_value("solution")
    visitor.complaints.clear()
    page.get_by_role("button", name="Check and import").click()
    bad = page.locator("#bad-rows")
    expect(bad).to_contain_text("1 of 3 rows are bad")
    expect(bad).to_contain_text("the field 'solution' is empty")
    with page.expect_download() as report:
        page.get_by_role("button", name="Full report").click()
    assert "4,the field 'solution' is empty" in report.value.path().read_text()
    visitor.complaints.clear()  # Chromium calls the 422 of a form with errors an error

    page.get_by_role("button", name="Import the 2 good rows").click()
    page.wait_for_url(re.compile(r"/datasets/\d+/$"))
    expect(page.locator("#rows")).to_contain_text("<b>bold</b>")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert "2,1+1=,2,train" in download.value.path().read_text()


def test_a_generated_dataset_appears_on_its_own_when_a_worker_made_it(visitor: Visitor) -> None:
    visitor.site.start_workers()
    page = visitor.page
    page.goto("/datasets/new/")
    page.get_by_text("Addition problems from a seed").click()
    page.locator("#id_name").fill("small sums")
    page.locator("#id_arithmetic-train").fill("40")
    page.locator("#id_arithmetic-test").fill("10")
    page.get_by_role("button", name="Continue").click()

    page.wait_for_url(re.compile(r"/datasets/\d+/$"))
    expect(page.locator("#rows")).to_contain_text("of 50 rows", timeout=90_000)
    page.get_by_label("Split").select_option("test")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#rows")).to_contain_text("of 10 rows")
