"""Sentinels are settings like others: on the page, as axes, in fingerprints only where changed."""

from tests.webapp.experiments.test_planner import config, planned
from webapp.experiments.prefill import section_data


def test_a_limit_of_a_sentinel_can_be_an_axis() -> None:
    made = planned(
        names=("topr",), seeds=[0], axes={"settings.sentinels.entropy_collapse": ["warn", "stop"]}
    )
    trained = [run.nodes["train"].spec.model_dump(mode="json") for run in made.runs[1:]]
    told = [one["settings"].get("sentinels", {}).get("entropy_collapse") for one in trained]
    assert told == [None, "stop"]  # at its default it is left out


def test_untouched_sentinels_change_no_fingerprint_and_are_on_the_page() -> None:
    before = {node.fingerprint for node in planned().nodes}
    same = {
        node.fingerprint for node in planned(settings={"sentinels": {"all_negative": "warn"}}).nodes
    }
    other = {
        node.fingerprint for node in planned(settings={"sentinels": {"all_negative": "off"}}).nodes
    }
    assert before == same
    assert before != other
    page = section_data("settings", config().settings.model_dump())
    assert page["settings-sentinels__all_negative"] == "warn"
