"""A study in words: verdicts, and the tables that go into documents."""

from collections import Counter
from collections.abc import Sequence

from algorithms.evaluation.claims.decision import Decision, Verdict
from webapp.studies.claim_schema import Faster, Optimum
from webapp.studies.judge import Judged
from webapp.studies.pilot import Sight
from webapp.studies.results import StudyResult


def verdict_text(one: Judged) -> str:
    """Return the verdict: "undecided (about 12 seeds needed)"."""
    decision = one.decision
    if decision.verdict is not Verdict.UNDECIDED:
        return str(decision.verdict)
    if decision.evidence.n == 0:
        return f"{decision.verdict} (nothing measured)"
    if decision.seeds_needed is not None:
        return f"{decision.verdict} (about {decision.seeds_needed} seeds needed)"
    return (
        f"{decision.verdict} (no number of seeds up to 999 would do)"
        if _known(decision)
        else (f"{decision.verdict} (needs two seeds at least)")
    )


def _known(decision: Decision) -> bool:
    return decision.evidence.low is not None


def estimate_text(one: Judged) -> str:
    """Return what was seen: "+0.031 [+0.012, +0.050], 3 seeds, p = 0.004"; empty for nothing."""
    found = one.decision.evidence
    if found.estimate is None:
        return ""
    digits = "+.3g" if abs(found.estimate) >= 10 or 0 < abs(found.estimate) < 0.001 else "+.3f"
    if found.low is None or found.high is None:
        return f"{found.estimate:{digits}}{_unit(one)}, one seed"
    if found.n == 0:
        return f"{found.estimate:.4f}, exact"
    interval = f"[{found.low:{digits}}, {found.high:{digits}}]"
    p_value = min(one.decision.p_for, one.decision.p_against)
    shown = "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"
    return f"{found.estimate:{digits}}{_unit(one)} {interval}, {found.n} seeds, {shown}"


def _unit(one: Judged) -> str:
    return f" {one.unit}" if one.unit else ""


def about_text(one: Judged) -> str:
    """Return what the estimate is: "TOPR minus PPO in pass_at_1"."""
    claim = one.claim
    labels = [cell.label for cell in one.cells]
    if isinstance(claim, Optimum):
        return f"best inside minus best outside, {claim.of.metric}"
    if len(labels) == 2 and isinstance(claim, Faster):
        return f"{labels[1]} minus {labels[0]} until {claim.of.metric} is {claim.target:g}"
    if len(labels) == 2:
        first, second = labels if claim.kind != "below_base" else labels[::-1]
        return f"{first} minus {second}"
    return ", ".join(labels)


def claims_markdown(result: StudyResult) -> str:
    """Return the claims of one study as a Markdown table."""
    lines = [
        f"### {result.study.title} (`{result.name}`{f', {result.scale}' if result.scale else ''})",
        "",
        "| claim | verdict | seen |",
        "|---|---|---|",
        *(
            f"| {one.claim.says} | {verdict_text(one)} | {cell_text(estimate_text(one))} |"
            for one in result.claims
        ),
        "",
    ]
    if result.pilot is not None:
        lines += [f"Setting, checked on “{result.pilot.claim.says}” {result.pilot.sentence}", ""]
    return "\n".join(lines)


def cell_text(text: str) -> str:
    """Return a text that does not end a Markdown cell."""
    return text.replace("|", "\\|") or "–"


def overview_markdown(results: Sequence[StudyResult]) -> str:
    """Return the claims of all studies as one Markdown table."""
    lines = [
        "| study | scale | claim | verdict | seen | setting |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        setting = "exact" if not result.scale else _setting(result)
        for one in result.claims:
            lines.append(
                f"| {result.name} | {result.scale or '–'} | {one.claim.says} | "
                f"{verdict_text(one)} | {cell_text(estimate_text(one))} | {setting} |"
            )
            setting = ""
    counts = Counter(str(one.decision.verdict) for result in results for one in result.claims)
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    return "\n".join([*lines, "", f"{sum(counts.values())} claims: {told}.", ""])


def _setting(result: StudyResult) -> str:
    return str(result.pilot.sight if result.pilot is not None else Sight.UNKNOWN)
