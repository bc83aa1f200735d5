"""The whole way of a new user: bring data, choose policy and algorithm, launch, watch, compare."""

import csv
import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor

MINUTES = 60_000
POINTS = """() => {
    const plot = document.querySelector('[data-figure-name="curves"] .js-plotly-plot');
    const means = (plot?._fullData ?? []).filter((trace) => trace.mode === "lines+markers");
    return means.reduce((sum, trace) => sum + trace.x.length, 0);
}"""


def _rows(path: Path) -> Path:
    train = [(a, b, "train") for a in range(2, 10) for b in range(10)]
    test = [(a, b, "test") for a in range(2) for b in range(10)]
    rows = [{"sum": f"{a}+{b}=", "is": str(a + b), "part": part} for a, b, part in train + test]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def _upload(page: Page, file: Path) -> None:
    page.goto("/datasets/new/")
    page.locator("#id_name").fill("sums of digits")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Prompt").select_option("sum")
    page.get_by_label("Answer").select_option("is")
    page.get_by_label("Split", exact=True).select_option("part")
    page.get_by_role("button", name="Check and import").click()
    page.wait_for_url(re.compile(r"/datasets/\d+/$"))
    expect(page.locator("#rows")).to_contain_text("of 100 rows")


def _make_policy(page: Page) -> None:
    page.goto("/policies/new/")
    page.locator("#id_name").fill("very small Llama")
    page.locator("#id_tiny-hidden_size").fill("16")
    page.locator("#id_tiny-layers").fill("1")
    page.locator("#id_tiny-heads").fill("2")
    page.locator("#id_tiny-intermediate_size").fill("32")
    page.locator("[name$=warm_start]").uncheck()
    page.get_by_role("button", name="Make policy").click()
    page.wait_for_url(re.compile(r"/policies/\d+/$"))


def _define_algorithm(page: Page) -> None:
    page.goto("/algorithms/topr/")
    page.get_by_label("Baseline").fill("-0.5")
    page.locator("#id_name").fill("TOPR, c = -0.5")
    page.get_by_role("button", name="Save preset").click()
    page.wait_for_url(re.compile(r"/algorithms/presets/\d+/"))


def _launch(page: Page) -> None:
    page.goto("/experiments/new/?algorithm=reinforce")
    page.locator("#id_name").fill("Does the taper help?")
    page.locator("#id_dataset_id").select_option(label="sums of digits v1")
    page.locator("#id_policy_id").select_option(label="very small Llama")
    page.locator("#id_seeds").fill("0, 1")
    preset = page.get_by_label("TOPR, c = -0.5")
    page.locator("details").filter(has=preset).locator("summary").click()
    preset.check()
    expect(page.locator("[name=row]")).to_have_count(2)
    for group, fields in {
        "settings": {"steps": "8", "batch_size": "16", "micro_batch_size": "16"},
        "generate": {"completions": "2", "sampling__max_new_tokens": "4"},
        "evaluate": {"samples": "1", "sampling__max_new_tokens": "4"},
    }.items():
        page.locator(f"#section-{group} > summary").click()
        for name, value in fields.items():
            page.locator(f"#id_{group}-{name}").fill(value)
    page.locator("#id_settings-evaluate_every").fill("2")
    page.locator("#id_settings-evaluate_problems").fill("20")
    expect(page.locator("#plan .plan-title")).to_contain_text("5 runs in 3 compared groups")
    page.locator(".new-experiment-plan").get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/experiments/\d+/$"))


def _watch(page: Page) -> None:
    page.wait_for_function(f"() => ({POINTS})() > 0", timeout=3 * MINUTES)
    first = page.evaluate(POINTS)
    page.wait_for_function(f"(known) => ({POINTS})() > known", arg=first, timeout=3 * MINUTES)
    expect(page.locator("#status h2").first).to_contain_text("Succeeded", timeout=4 * MINUTES)
    expect(page.locator("#work tbody tr")).to_have_count(5)


def _compare_and_export(page: Page) -> None:
    page.get_by_role("link", name="Compare", exact=True).last.click()
    page.wait_for_url(re.compile(r"/compare/\?runs="))
    table = page.locator("#final-table")
    expect(table).to_contain_text("TOPR, c = -0.5")
    with page.expect_download() as download:
        page.get_by_role("link", name="Points").click()
    with download.value.path().open(newline="") as file:
        points = list(csv.DictReader(file))
    steps = {int(point["step"]) for point in points}
    assert steps == {0, 2, 4, 6, 8}
    with page.expect_download() as picture:
        page.locator('[data-figure-name="learning-curves"] [data-figure-export="svg"]').click()
    assert "<svg" in picture.value.path().read_text()


def _problem_by_problem(page: Page) -> None:
    page.get_by_role("link", name="Problem by problem").click()
    page.wait_for_url("**/compare/problems/**")
    page.wait_for_load_state()
    counts = page.locator(".problem-tabs .num").all_inner_texts()
    assert sum(map(int, counts[1:])) == int(counts[0])
    page.locator("#problem-form [name=look]").select_option("change")
    page.wait_for_url("**look=change**")
    page.locator(".heat-cell a").nth(1).click()
    expect(page.locator("h1")).to_have_text("Side by side")
    expect(page.locator(".beside .completion").first).to_contain_text("greedy")


def test_from_an_uploaded_file_to_an_exported_comparison(visitor: Visitor, tmp_path: Path) -> None:
    visitor.site.start_workers(2)
    page = visitor.page
    _upload(page, _rows(tmp_path / "sums.jsonl"))
    _make_policy(page)
    _define_algorithm(page)
    _launch(page)
    _watch(page)
    _compare_and_export(page)
    _problem_by_problem(page)
