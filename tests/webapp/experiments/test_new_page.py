"""The New experiment page: from question to launch, without losing what was typed."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from algorithms.base import UserError
from algorithms.catalogue import ALGORITHMS
from tests.webapp.experiments.factories import Bench, make_dataset, make_policy, make_user
from tests.webapp.experiments.new_page import NEW, errors_of, launch, preview, tick, typed
from tests.webapp.jobs import graphs
from tests.webapp.posted import posted
from webapp.catalogue.models import Preset
from webapp.catalogue.services import preset_create
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.forms import seeds_of, seeds_text
from webapp.experiments.models import Experiment
from webapp.experiments.selectors import clone_config
from webapp.jobs.models import Artifact, Job, JobInput
from webapp.jobs.states import JobState
from webapp.policies.services import policy_delete

pytestmark = pytest.mark.django_db


def test_without_data_or_policy_the_page_says_what_to_make_first(client: Client) -> None:
    client.force_login(make_user())
    shown = client.get(reverse(NEW)).content.decode()
    assert "No dataset yet" in shown
    assert "No policy yet" in shown
    assert reverse("datasets:new") in shown


def test_the_page_offers_every_algorithm_its_papers_settings_and_saved_presets(
    page: Client, bench: Bench
) -> None:
    preset = preset_create(owner=bench.user, name="Mine", algorithm="topr", params={})
    shown = page.get(reverse(NEW)).content.decode()
    for name in ALGORITHMS:
        assert f'data-offer="{name}"' in shown
    assert 'data-offer="topr:Naive REINFORCE"' in shown
    assert f'data-offer="preset:{preset.pk}"' in shown


def test_the_defaults_of_the_page_are_the_defaults_of_the_config(
    page: Client, bench: Bench
) -> None:
    data = typed(page, "topr", name="First")
    assert launch(page, data).status_code == 302
    config = ExperimentConfig.model_validate(Experiment.objects.get().config)
    expected = bench.config(("topr",), seeds=[0, 1, 2])
    assert config.model_copy(update={"algorithms": ()}) == expected.model_copy(
        update={"algorithms": ()}
    )
    assert [(c.label, c.algorithm) for c in config.algorithms] == [("TOPR", "topr")]
    assert config.algorithms[0].params == ALGORITHMS["topr"].params().model_dump()


def test_further_benchmarks_are_chosen_kept_by_a_copy_and_evaluated(
    page: Client, bench: Bench
) -> None:
    others = [make_dataset(bench.user, f"benchmark {number}", seed=number) for number in (7, 8)]
    data = typed(page, "topr", name="Benchmarks", seeds="0", dataset_id=str(bench.dataset.pk))
    data.setlist("benchmarks", [str(one.pk) for one in others])
    assert launch(page, data).status_code == 302
    experiment = Experiment.objects.get()
    ids = tuple(one.pk for one in others)
    saved = clone_config(experiment)
    assert isinstance(saved, ExperimentConfig)
    assert sorted(saved.benchmarks) == sorted(ids)
    needs = experiment.needs.filter(role__startswith="evaluate:")
    assert {one.role for one in needs} == {f"evaluate:{pk}" for pk in ids}
    assert all(one.run is not None for one in needs)
    copy = typed(page, address=reverse("experiments:clone", args=[experiment.pk]))
    assert sorted(map(int, copy.getlist("benchmarks"))) == sorted(ids)


def test_one_algorithm_is_compared_twice_with_other_hyperparameters(page: Client) -> None:
    data = typed(page, "topr", name="Twice", seeds="0, 7")
    copy = tick(page, data, copy="0")
    assert copy["row1-label"] == "TOPR 2"
    data["row1p-baseline"] = "-0.5"
    assert launch(page, data).status_code == 302
    config = clone_config(Experiment.objects.get())
    assert [c.params["baseline"] for c in config.algorithms] == [0, -0.5]
    assert config.seeds == (0, 7)


def test_ticking_the_same_offer_twice_gives_it_another_name(page: Client) -> None:
    data = typed(page, "ppo", "ppo")
    assert [data["row0-label"], data["row1-label"]] == ["PPO", "PPO 2"]


def test_a_ticked_preset_brings_its_values_and_is_remembered(page: Client, bench: Bench) -> None:
    preset = preset_create(
        owner=bench.user, name="Low", algorithm="topr", params={"baseline": -0.25}
    )
    data = typed(page, f"preset:{preset.pk}", "topr:Naive REINFORCE", name="x")
    assert launch(page, data).status_code == 302
    low, naive = clone_config(Experiment.objects.get()).algorithms
    assert (low.label, low.preset_id, low.params["baseline"]) == ("Low", preset.pk, -0.25)
    assert naive.params["negative_ratio_min"] == 1


def test_a_preset_that_is_no_longer_valid_shows_its_error_when_ticked(
    page: Client, bench: Bench
) -> None:
    preset = preset_create(owner=bench.user, name="base policy", algorithm="topr", params={})
    Preset.objects.filter(pk=preset.pk).update(params={"baseline": 9})
    data = typed(page, f"preset:{preset.pk}")
    errors = errors_of(preview(page, data))
    assert errors["id_row0p-baseline"] == "Enter a number between -1 and 1."
    assert "taken" in errors["id_row0-label"]


def test_an_offer_that_is_gone_is_not_found(page: Client) -> None:
    for gone in ("preset:99", "nothing", "topr:nothing", ""):
        assert page.post(reverse("experiments:row"), {"add": gone}).status_code == 404
    assert page.post(reverse("experiments:row"), {"copy": "5"}).status_code == 404


def test_the_plan_counts_runs_jobs_and_work(page: Client) -> None:
    data = typed(page, "topr", "ppo", seeds="0-1")
    plan = preview(page, data)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", plan))
    assert "5 runs in 3 compared groups" in text
    assert "generate 1 0 0" in text
    assert "train 4 0 0" in text
    assert "evaluate 5 0 0" in text
    assert "Completions to generate 64" in text  # 8 problems x 8 completions
    assert "Optimizer steps 1,000" in text
    assert "No live worker serves" in plan


def test_the_plan_says_how_much_exists_already(page: Client, bench: Bench) -> None:
    bench.launch(("topr",), seeds=[0])
    graphs.run_all()
    data = typed(page, "topr", "ppo", seeds="0")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", preview(page, data)))
    assert "generate 1 1 1" in text
    assert "train 2 1 1" in text
    assert "Completions to generate 0 of 64" in text


def test_the_plan_estimates_time_from_earlier_jobs_of_the_policy(
    page: Client, bench: Bench
) -> None:
    bench.launch(("topr",), seeds=[0])
    graphs.run_all()
    end = timezone.now()
    summaries = {
        "generate": {"completions": 64},
        "train": {"steps": 250},
        "evaluate": {"problems": 4, "samples": 4},
    }
    for kind, summary in summaries.items():
        Job.objects.filter(kind=kind).update(
            started_at=end - timedelta(seconds=50), finished_at=end
        )
        Artifact.objects.filter(job__kind=kind).update(summary=summary)
    plan = preview(page, typed(page, "topr", "ppo", seeds="0"))
    # One new training of 50 s and one new evaluation of 50 s on the one worker of graphs.
    assert re.search(r"about\s+1 min 40 s", plan), plan
    assert "1 worker" in plan


def test_errors_of_the_plan_name_their_fields(page: Client) -> None:
    data = typed(
        page, "topr", seeds="3-1", **{"settings-learning_rate": "2", "row0p-baseline": "x"}
    )
    data["settings-micro_batch_size"] = "256"
    errors = errors_of(preview(page, data))
    assert errors["id_seeds"] == "The range 3-1 runs backwards."
    assert errors["id_settings-learning_rate"].startswith("Enter a number between 0 and 1")
    assert errors["id_row0p-baseline"] == "Enter a number."
    assert "id_name" not in errors


def test_rules_between_settings_land_in_their_section(page: Client) -> None:
    data = typed(page, "topr", **{"settings-micro_batch_size": "256"})
    errors = errors_of(preview(page, data))
    assert errors == {"errors-settings": "Micro batch size must not exceed batch size."}


def test_without_an_algorithm_there_is_no_plan(page: Client) -> None:
    assert errors_of(preview(page, typed(page))) == {
        "errors-algorithms": "Choose at least one algorithm."
    }


def test_two_groups_of_one_name_are_refused_at_the_second(page: Client) -> None:
    data = typed(page, "topr", "ppo")
    data["row1-label"] = "TOPR"
    assert "used twice" in errors_of(preview(page, data))["id_row1-label"]


def test_a_refused_launch_shows_everything_typed_with_errors_at_their_fields(
    page: Client,
) -> None:
    data = typed(page, "topr", name="", question="Is it <b>so</b>?", seeds="0-1")
    data["row0-label"] = "My TOPR"
    data["settings-learning_rate"] = "0.00030"
    answer = launch(page, data)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert not Experiment.objects.exists()
    assert "This field is required." in shown
    again = posted(shown, "new-experiment")
    again.pop("csrfmiddlewaretoken", None)
    assert "id_name" in errors_of(preview(page, again))
    assert again.pop("refused") == ["1"]
    data.pop("csrfmiddlewaretoken", None)
    assert dict(again.lists()) == dict(data.lists())
    assert "<b>so</b>" not in shown
    assert re.search(r'data-offer="topr" checked', shown)


def test_a_double_click_launches_once(page: Client) -> None:
    data = typed(page, "topr", name="Once")
    first, second = launch(page, data), launch(page, data)
    assert first.url == second.url
    assert Experiment.objects.count() == 1


def test_a_dataset_deleted_meanwhile_is_an_error_at_its_field(page: Client, bench: Bench) -> None:
    other = make_dataset(bench.user, "Other", seed=5)
    data = typed(page, "topr", name="x", dataset_id=str(other.pk))
    other.delete()
    assert "id_dataset_id" in errors_of(preview(page, data))
    assert launch(page, data).status_code == 422


def test_the_address_ticks_what_the_gallery_sent(page: Client) -> None:
    data = typed(page, address=f"{reverse(NEW)}?algorithm=ppo")
    assert data["row0-algorithm"] == "ppo"
    assert page.get(f"{reverse(NEW)}?algorithm=nothing").status_code == 404


def test_the_page_asks_as_often_for_many_datasets_and_presets_as_for_one(
    page: Client, bench: Bench, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(8):
        preset_create(owner=bench.user, name=f"P{number}", algorithm="topr", params={})
        make_dataset(bench.user, f"D{number}", seed=20 + number)
    with django_assert_max_num_queries(16):
        page.get(reverse(NEW))


def test_the_label_says_how_many_live_workers_serve_it(page: Client) -> None:
    graphs.make_worker(labels=("cpu", "big"))
    shown = page.get(reverse(NEW)).content.decode()
    for text in ("cpu: 1 live worker", "gpu: no live worker", "big: 1 live worker"):
        assert text in shown


def test_everything_planned_is_queued_after_the_launch(page: Client) -> None:
    data = typed(page, "topr", name="Go", seeds="0", tags="a, b ,a", priority="5")
    launch(page, data)
    experiment = Experiment.objects.get()
    assert (experiment.tags, experiment.priority) == (["a", "b"], 5)
    assert Job.objects.filter(kind="train").get().priority == 5
    assert set(Job.objects.values_list("state", flat=True)) <= {JobState.QUEUED, JobState.WAITING}


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0-4", (0, 1, 2, 3, 4)), ("0, 1, 7", (0, 1, 7)), (" 3 – 5 ,9", (3, 4, 5, 9)), ("2", (2,))],
)
def test_seeds_are_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert seeds_of(text) == seeds
    assert seeds_of(seeds_text(seeds)) == seeds


@pytest.mark.parametrize("text", ["", "a", "-1", "1.5", "5-1", "0-100000000", "9" * 30])
def test_seeds_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        seeds_of(text)


def test_seeds_are_written_short() -> None:
    assert seeds_text((0, 1, 2, 7, 9, 8)) == "0-2, 7, 9, 8"


def test_a_reference_is_offered_where_an_algorithm_reads_one(page: Client, bench: Bench) -> None:
    other = make_policy(bench.user, "Anchor", seed=3)
    plain = typed(page, "topr")
    assert 'id="reference-field" hidden' in page.get(reverse(NEW)).content.decode()
    assert 'data-show="reference-field" data-shown="no"' in preview(page, plain)
    anchored = typed(page, "grpo", reference_policy_id=str(other.pk))
    anchored["policy_id"] = str(bench.policy.pk)
    anchored["row0p-reference_kl"] = "k3"
    assert 'data-show="reference-field" data-shown="yes"' in preview(page, anchored)
    anchored["name"] = "Anchored"
    assert launch(page, anchored).status_code == 302
    experiment = Experiment.objects.get(name="Anchored")
    edges = JobInput.objects.filter(job__needed_by__experiment=experiment, role="reference")
    assert set(edges.values_list("source", flat=True)) == {other.job_id}
    graphs.run_all()
    with pytest.raises(UserError, match="is used by “Anchored”"):
        policy_delete(policy=other, user=bench.user)
    clone = page.get(reverse("experiments:clone", args=[experiment.pk])).content.decode()
    assert posted(clone, "new-experiment")["reference_policy_id"] == str(other.pk)


def test_every_kept_policy_is_evaluated_where_asked_and_the_disk_is_told(
    page: Client, bench: Bench
) -> None:
    graphs.run_all()
    Artifact.objects.filter(job=bench.policy.job).update(size_bytes=10_000_000)
    data = typed(page, "topr", seeds="0", evaluate_checkpoints="on", name="Kept")
    assert errors_of(preview(page, data)).keys() == {"id_evaluate_checkpoints"}
    data["settings-steps"], data["settings-keep_every"] = "100", "40"
    plan = preview(page, data)
    assert '<td>evaluate</td><td class="num">4</td>' in plan
    assert "28.6 MiB" in plan
    assert "3 of them" in plan
    assert launch(page, data).status_code == 302
    experiment = Experiment.objects.get(name="Kept")
    roles = experiment.needs.filter(run__algorithm="topr").values_list("role", flat=True)
    assert set(roles) == {"train", "evaluate", "evaluate+40", "evaluate+80"}
    clone = page.get(reverse("experiments:clone", args=[experiment.pk])).content.decode()
    assert posted(clone, "new-experiment")["evaluate_checkpoints"] == "on"
