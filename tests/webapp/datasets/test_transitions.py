"""Transitions in the browser: uploaded, imported, collected, looked at."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from algorithms.control_data.transitions import Transitions, load_transitions
from algorithms.data.roots import DATA_ROOTS_VARIABLE
from algorithms.environments.table import POINT_MASS
from algorithms.specs import DatasetSpec
from tests.algorithms.control.worlds import random_transitions
from tests.webapp.jobs.doing import do_all
from tests.webapp.policies.control_made import behaviour_policy
from webapp.accounts.models import User
from webapp.datasets import staging
from webapp.datasets.models import Dataset
from webapp.datasets.selectors import datasets
from webapp.datasets.services import dataset_from_source
from webapp.datasets.transitions import content, looking

NEW = "/datasets/new/?family=transitions"
COLLECT = "/datasets/collect/"
SMALL = {"amount": "6", "unit": "episodes", "start": "both", "parallel": "4",
         "reference_episodes": "2", "seed": "0"}  # fmt: skip


def npz(data: Transitions | None = None, **changes: Any) -> bytes:
    arrays: dict[str, Any] = {**(data or random_transitions(60)).arrays(), **changes}
    file = io.BytesIO()
    np.savez(file, **{name: values for name, values in arrays.items() if values is not None})
    return file.getvalue()


def send(browser: Client, content: bytes, filename: str = "mine.npz", **data: str) -> Any:
    file = SimpleUploadedFile(filename, content)
    return browser.post(NEW, {"way": "upload", "name": "mine", "file": file, **data})


def part(key: str, behaviour: str, **values: str) -> dict[str, str]:
    told = {"behaviour": behaviour, "share": "1", "noise": "0", **values}
    return {f"p{key}-{name}": value for name, value in told.items()}


def collect(browser: Client, *parts: dict[str, str], **data: str) -> Any:
    keys = [str(number) for number in range(len(parts))]
    posted: dict[str, Any] = {"environment": POINT_MASS, "name": "made", **SMALL, **data}
    for each in parts:
        posted |= each
    return browser.post(COLLECT, {**posted, "part": keys})


def test_an_upload_is_looked_into_and_a_worker_imports_it(browser: Client) -> None:
    answer = send(browser, npz())
    assert answer.status_code == 302
    page = browser.get(answer["Location"])
    seen = page.context["seen"]
    assert seen.shapes["rewards"] == "60, float32"
    assert (seen.statistics.episodes, seen.error) == (3, "")
    done = browser.post(answer["Location"], {"name": "mine", "environment": ""})
    dataset = Dataset.objects.select_related("job").get()
    assert done["Location"] == f"/datasets/{dataset.pk}/"
    assert (dataset.family, dataset.origin) == ("transitions", "upload of mine.npz")
    assert browser.get(answer["Location"]).status_code == 404
    assert do_all() == ["transitions"]
    shown = browser.get(f"/datasets/{dataset.pk}/").context["page"].stored
    assert (shown.statistics.transitions, shown.endings.terminated, shown.endings.truncated) == (
        60, 2, 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "typed", "field"),
    [
        (npz(), {"environment": "Hopper-v5"}, "environment"),
        (npz(), {"action_high": "0.001"}, "action_high"),
        (npz(timeouts=None, terminals=np.zeros(60, bool)), {}, "episode_steps"),
        (npz(rewards=np.full(60, np.nan, np.float32)), {}, "__all__"),
        (b"no archive", {}, "__all__"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_the_upload_stays(
    browser: Client, content: bytes, typed: dict[str, str], field: str
) -> None:
    address = send(browser, content)["Location"]
    page = browser.post(address, {"name": "mine", **typed})
    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    assert not Dataset.objects.exists()
    assert browser.get(address).status_code == 200


def test_settings_typed_beside_an_upload_are_there_on_the_next_page(browser: Client) -> None:
    address = send(browser, npz(), environment="Hopper-v5", action_high="2")["Location"]
    page = browser.get(address)
    shown = page.context["form"]
    assert (shown["environment"].value(), shown["action_high"].value()) == ("Hopper-v5", "2")
    assert b"Not yet importable" in page.content


def test_a_file_of_another_kind_is_refused_where_it_was_chosen(browser: Client) -> None:
    page = send(browser, b"1,2", "sums.csv")
    assert page.status_code == 422
    assert b"is of no format that is read here. Upload .hdf5, .h5, .npz" in page.content
    assert browser.post("/datasets/new/", {"way": "upload"}).status_code == 422


def test_what_a_large_file_lacks_is_mended_without_uploading_it_again(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LARGEST_BYTES", 10)
    address = send(browser, npz(timeouts=None, terminals=np.zeros(60, bool)))["Location"]
    assert browser.get(address).context["seen"].is_large
    browser.post(address, {"name": "mine"})
    assert do_all() == ["transitions failed"]
    first = Dataset.objects.get()
    page = browser.get(f"/datasets/{first.pk}/")
    assert b"No episode ever ends" in page.content
    again = f"/datasets/{first.pk}/again/"
    assert again.encode() in page.content
    made = browser.post(again, {"episode_steps": "20"})
    assert do_all() == ["transitions"]
    second = Dataset.objects.get(version=2)
    assert made["Location"] == f"/datasets/{second.pk}/"
    assert second.job.artifact.summary["episodes"] == 3
    assert browser.post(again, {"episode_steps": "20"}).status_code == 422


def test_a_path_and_a_minari_id_are_read_by_a_worker(
    browser: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there.npz").write_bytes(npz())
    monkeypatch.setenv(DATA_ROOTS_VARIABLE, str(tmp_path))
    empty = browser.post(
        NEW, {"way": "path", "name": "a", "path-source": "file", "path-format": "auto"}
    )
    assert list(empty.context["sources"]["path"].errors) == ["path"]
    told = {"path-source": "file", "path-path": str(tmp_path / "there.npz"), "path-format": "auto"}
    assert browser.post(NEW, {"way": "path", "name": "a", **told}).status_code == 302
    told = {"minari-source": "minari", "minari-name": "no/such-v0"}
    assert browser.post(NEW, {"way": "minari", "name": "b", **told}).status_code == 302
    assert sorted(do_all()) == ["transitions", "transitions failed"]
    by_name = {row.name: row for row in Dataset.objects.select_related("job")}
    assert by_name["a"].origin == f"path: {tmp_path / 'there.npz'}"[:200]
    assert "no Minari data set" in by_name["b"].job.failure_message


def test_a_composition_is_collected_with_its_shares(browser: Client) -> None:
    answer = collect(browser, part("0", "detour", share="2", noise="0.1"), part("1", "random"))
    assert answer.status_code == 302, answer.content.decode()
    dataset = Dataset.objects.select_related("job").get()
    assert dataset.origin == (
        "collected in Risky PointMass: 66.7% detour with noise 0.1, 33.3% random"
    )
    assert [each["behaviour"] for each in dataset.job.spec["parts"]] == ["detour", "random"]
    assert do_all() == ["collect"]
    page = browser.get(answer["Location"])
    assert b"local-normalised" in page.content
    assert b"66.7% detour with noise 0.1" in page.content


def test_the_builder_starts_from_usual_compositions_and_keeps_what_is_typed(
    browser: Client,
) -> None:
    page = browser.get(COLLECT)
    assert [row.form["behaviour"].value() for row in page.context["draft"].rows] == ["detour"]
    answer = collect(browser, part("0", "detour"), act="compose-mixed", amount="77")
    draft = answer.context["draft"]
    assert [row.form["behaviour"].value() for row in draft.rows] == ["random", "detour", "detour"]
    assert [row.form["noise"].value() for row in draft.rows] == ["0", "0.5", "0.15"]
    assert draft.settings["amount"].value() == "77"
    assert [amount for _, _, amount in draft.shares()] == [26, 25, 26]
    fewer = collect(browser, part("0", "detour"), part("1", "random"), act="remove-0")
    assert [row.key for row in fewer.context["draft"].rows] == ["1"]
    more = collect(browser, part("0", "beeline", noise="0.3"), act="add")
    rows = more.context["draft"].rows
    assert [row.form["behaviour"].value() for row in rows] == ["beeline", "random"]
    assert rows[0].form["noise"].value() == "0.3"


def test_rows_and_shares_are_sent_alone_while_one_types(browser: Client) -> None:
    posted = {"environment": "Pendulum-v1", "act": "environment", "part": "0", **SMALL}
    rows = browser.post(f"{COLLECT}parts/", {**posted, **part("0", "detour")})
    assert b"swing up" in rows.content
    assert b"<html" not in rows.content
    assert "parts-changed" in rows["HX-Trigger-After-Settle"]
    told = {"environment": POINT_MASS, "part": "0", **SMALL, **part("0", "detour")}
    shares = browser.post(f"{COLLECT}shares/", told)
    assert b"100" in shares.content
    assert b"at most 600 transitions" in shares.content
    wrong = browser.post(f"{COLLECT}shares/", {**told, "p0-share": "-1"})
    assert b"Known when every part" in wrong.content


@pytest.mark.parametrize(("typed", "then"), [("4000", "500"), ("77", "77")])
def test_an_amount_that_nobody_typed_follows_the_environment(
    browser: Client, typed: str, then: str
) -> None:
    posted = {
        "act": "environment", "environment": "Pendulum-v1", "environment_before": POINT_MASS,
        "part": "0", **SMALL, **part("0", "detour"), "amount": typed,
    }  # fmt: skip
    answer = browser.post(f"{COLLECT}parts/", posted)
    assert answer.context["draft"].settings["amount"].value() == then
    assert "environment=Pendulum-v1" in answer.content.decode()


def test_mistakes_of_a_composition_stand_at_their_parts(browser: Client) -> None:
    wrong = collect(browser, part("0", "detour", share="0"), part("1", "swing_up"), name="")
    assert wrong.status_code == 422
    rows = wrong.context["draft"].rows
    assert [list(row.form.errors) for row in rows] == [["share"], ["behaviour"]]
    assert list(wrong.context["name_form"].errors) == ["name"]
    replay = collect(browser, part("0", "detour", replay="on"))
    assert list(replay.context["draft"].rows[0].form.errors) == ["replay"]
    nothing = collect(browser)
    assert "Add at least one part" in nothing.content.decode()


def test_stages_of_a_trained_policy_are_behaviours_and_its_replay_a_part(
    browser: Client, ada: User
) -> None:
    policy = behaviour_policy(ada, keep_replay=True)
    do_all()
    page = browser.get(COLLECT, {"environment": "Pendulum-v1", "composition": "medium-replay"})
    draft = page.context["draft"]
    assert [row.form["behaviour"].value() for row in draft.rows] == [f"{policy.pk}@step-200"]
    assert list(draft.named) == [
        "random", "medium", "medium-replay", "medium-expert", "expert", "mixed",
    ]  # fmt: skip
    told = (part("0", f"{policy.pk}@step-200", replay="on"), part("1", f"{policy.pk}@final"))
    answer = collect(browser, *told, environment="Pendulum-v1", amount="2")
    assert answer.status_code == 302, answer.content.decode()
    job = Dataset.objects.get().job
    spec = [(each["behaviour"], each["stage"], each["replay"]) for each in job.spec["parts"]]
    assert spec == [("policy", "step-200", True), ("policy", "final", False)]
    assert [edge.source_id for edge in job.inputs.all()] == [policy.job_id]
    assert do_all() == ["collect"]
    assert browser.get(answer["Location"]).status_code == 200


def test_plots_and_files_of_transitions(browser: Client) -> None:
    collect(browser, part("0", "detour"), part("1", "random"), hdf5="on")
    do_all()
    dataset = Dataset.objects.get()
    base = f"/datasets/{dataset.pk}"
    states = json.loads(browser.get(f"{base}/figures/states.json?x=0&y=1").content)
    assert states["layout"]["shapes"][0]["type"] == "circle"
    by_step = json.loads(browser.get(f"{base}/figures/states.json?x=1&y=0&colour=step").content)
    assert not by_step["layout"].get("shapes")
    total = dataset.job.artifact.summary["transitions"]
    assert len(by_step["data"][0]["x"]) == min(3000, total)
    for name in ("returns", "lengths"):
        drawn = json.loads(browser.get(f"{base}/figures/{name}.json").content)
        assert sum(drawn["data"][0]["y"]) == 6
    lines = b"".join(browser.get(f"{base}/transitions.csv")).decode().splitlines()
    assert lines[0].startswith("episode,first_row,steps,return,normalized_return_local-normalised")
    assert len(lines) == 7
    assert sum(int(line.split(",")[2]) for line in lines[1:]) == total
    whole = b"".join(browser.get(f"{base}/transitions.npz"))
    with np.load(io.BytesIO(whole)) as stored:
        assert len(stored["rewards"]) == total
    assert b"".join(browser.get(f"{base}/transitions.hdf5"))[:4] == b"\x89HDF"
    assert browser.get(f"{base}/rows.csv").status_code == 404


def test_a_page_of_rows_says_episode_and_step(browser: Client) -> None:
    collect(browser, part("0", "beeline"), unit="steps", amount="40", start="evaluation")
    do_all()
    dataset = Dataset.objects.get()
    rows = browser.get(f"/datasets/{dataset.pk}/?page=2").context["page"].stored.rows
    assert [row.number for row in rows] == list(range(20, 40))
    ends = load_transitions(content.folder_of(dataset.job.artifact)).ends.tolist()
    assert len(ends) > 2
    for row in rows:
        before = [end for end in ends if end <= row.number]
        assert (row.episode, row.step) == (len(before), row.number - max(before, default=0))
        assert bool(row.ending) == (row.number + 1 in ends)


def test_families_are_listed_apart(browser: Client, ada: User) -> None:
    dataset_from_source(owner=ada, name="sums", spec=DatasetSpec.model_validate(
        {"source": {"source": "arithmetic", "train": 8, "test": 4}}))  # fmt: skip
    collect(browser, part("0", "random"))
    assert [row.name for row in datasets(family="prompts")] == ["sums"]
    assert [row.name for row in datasets(family="transitions")] == ["made"]
    shown = browser.get("/datasets/?family=transitions").context["page"]
    assert [row.name for row in shown] == ["made"]
    assert len(browser.get("/datasets/").context["page"].object_list) == 2


def test_a_staged_file_remembers_what_it_is_to_become(browser: Client, ada: User) -> None:
    token = send(browser, npz())["Location"].split("/")[3]
    assert staging.find(token=token, user=ada).family == "transitions"
    there = browser.get(f"/datasets/upload/{token}/")
    assert there["Location"] == f"/datasets/upload/{token}/transitions/"
