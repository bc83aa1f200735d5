"""The claims in README are those of the exported files."""

from pathlib import Path

from webapp.studies.committed import committed_markdown

ROOT = Path(__file__).resolve().parents[3]


def test_readme_shows_the_claims_of_the_files() -> None:
    table, total = committed_markdown(ROOT / "docs/results/studies").strip().rsplit("\n\n", 1)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table in readme
    assert total in readme


def test_a_claim_is_told_with_what_was_seen(tmp_path: Path) -> None:
    header = "claim,kind,says,about,verdict,estimate,low,high,seeds,note\n"
    rows = (
        "a,greater,A is above B.,A minus B,holds,0.5,0.25,0.75,3,\n"
        "b,greater,B | C.,,undecided (about 9 seeds needed),,,,0,Nothing measured.\n"
        "c,exact,It ends on arm 2.,,holds,0.9999,0.9999,0.9999,0,\n"
    )
    (tmp_path / "small").mkdir()
    (tmp_path / "small/claims-cpu.csv").write_text(header + rows, encoding="utf-8")
    assert committed_markdown(tmp_path).splitlines()[2:] == [
        "| `small`, cpu | A is above B. | holds | +0.5 [+0.25, +0.75], 3 seeds |",
        "|  | B \\| C. | undecided (about 9 seeds needed) | Nothing measured. |",
        "|  | It ends on arm 2. | holds | 0.9999, exact |",
        "",
        "Of 3 claims in 1 studies: 2 hold, 1 are undecided.",
    ]
    (tmp_path / "small/claims-gpu.csv").write_text(header + rows, encoding="utf-8")
    twice = committed_markdown(tmp_path)
    assert "Of 6 claims in 2 runs of 1 studies: 4 hold, 2 are undecided." in twice
