"""Curations of experiments: the plan, the page, given completions."""

from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import ValidationError as FormError
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from pydantic import ValidationError

from algorithms.curation.steps import CurateSpec
from tests.webapp.experiments.factories import Bench
from tests.webapp.experiments.test_planner import SOURCES, config
from tests.webapp.jobs import graphs
from tests.webapp.posted import add_fields, posted
from webapp.curation.models import CuratedSet
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.curations import STARTS, rows_after
from webapp.experiments.extension import new_runs
from webapp.experiments.models import Experiment
from webapp.experiments.plan import Plan, Sources
from webapp.experiments.planner import plan
from webapp.experiments.selectors import clone_config
from webapp.experiments.services import experiment_launch, experiment_preview
from webapp.jobs.graph import Given, Node
from webapp.jobs.models import Job
from webapp.jobs.services import jobs_ensure

POSITIVES = {"name": "positives", "steps": [{"op": "positives"}]}
KARENINA = {"name": "Anna Karenina", "steps": [{"op": "anna_karenina", "size": 9}], "seed": 3}
ALL = {"name": "all", "steps": []}
GIVEN = Sources(datasets=SOURCES.datasets, policies=SOURCES.policies, rollouts={7: "r" * 64})


def planned(*curations: dict[str, Any], sources: Sources = SOURCES, **changes: Any) -> Plan:
    return plan(config(curations=curations, **changes), sources)


def test_without_a_curation_the_plan_is_as_before() -> None:
    made = planned(names=("topr",))
    assert made.jobs_by_kind == {"generate": 1, "grade": 1, "train": 2, "evaluate": 3}


def test_one_curation_is_shared_by_all_and_changes_no_label() -> None:
    made = planned(KARENINA, names=("topr", "ppo"))
    assert made.jobs_by_kind["curate"] == 1
    assert {run.label for run in made.runs} == {"base policy", "topr", "ppo"}
    nodes = made.runs[1].nodes
    curate = nodes["curate"]
    assert nodes["train"].inputs["rollouts"] is curate
    assert curate.inputs["rollouts"] is nodes["grade"]
    assert curate.spec == CurateSpec.model_validate({"steps": KARENINA["steps"], "seed": 3})


def test_several_curations_are_an_axis_and_everything_is_one_of_them() -> None:
    made = planned(ALL, POSITIVES, KARENINA, names=("topr",), seeds=[0])
    assert [run.label for run in made.runs[1:]] == [
        "topr, curation = all",
        "topr, curation = positives",
        "topr, curation = Anna Karenina",
    ]
    assert made.jobs_by_kind == {"generate": 1, "grade": 1, "curate": 2, "train": 3, "evaluate": 4}
    assert "curate" not in made.runs[1].nodes


def test_reference_algorithms_are_not_multiplied_by_curations() -> None:
    made = planned(ALL, POSITIVES, names=("sft",), seeds=[0])
    assert [run.label for run in made.runs[1:]] == ["sft"]


def test_renaming_a_curation_changes_no_job() -> None:
    renamed = {**KARENINA, "name": "other"}
    first, second = (planned(one, names=("topr",)) for one in (KARENINA, renamed))
    assert {n.fingerprint for n in first.nodes} == {n.fingerprint for n in second.nodes}


def test_given_completions_are_trained_on_and_nothing_is_generated() -> None:
    made = planned(names=("topr",), rollouts_id=7, sources=GIVEN)
    assert made.jobs_by_kind == {"train": 2, "evaluate": 3}
    assert made.runs[1].nodes["train"].inputs["rollouts"] == Given("r" * 64)
    curated = planned(POSITIVES, names=("topr",), rollouts_id=7, sources=GIVEN)
    assert curated.runs[1].nodes["curate"].inputs["rollouts"] == Given("r" * 64)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"curations": [POSITIVES, POSITIVES]}, ("curations", 1, "name")),
        ({"curations": [{"name": " ", "steps": []}]}, ("curations", 0, "name")),
        (
            {"rollouts_id": 1, "axes": {"generate.completions": [2, 4]}},
            ("axes", "generate.completions"),
        ),
    ],
)
def test_what_makes_no_sense_is_told_at_its_place(
    changes: dict[str, Any], where: tuple[int | str, ...]
) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**changes)
    assert [error["loc"] for error in caught.value.errors()] == [where]


def test_how_many_rows_steps_leave_is_known_where_they_say_so() -> None:
    spec = CurateSpec.model_validate({"steps": [{"op": "positives"}, {"op": "uniform", "size": 7}]})
    assert rows_after(spec.steps, 100) == 7
    assert rows_after(spec.steps[:1], 100) is None
    assert rows_after((), 100) == 100


def test_every_start_is_valid() -> None:
    config(curations=[{"name": one.name, "steps": list(one.steps)} for one in STARTS])


def typed(page: Client, *starts: str) -> QueryDict:
    """Open the page with TOPR ticked and add curations; return what the browser would post."""
    shown = page.get(reverse("experiments:new") + "?algorithm=topr").content.decode()
    data = posted(shown, "new-experiment")
    data["name"] = "Curated"
    for start in starts:
        data["curation-start"] = start
        add_fields(page, data, reverse("experiments:curation"))
    return data


def shown_plan(page: Client, data: QueryDict) -> str:
    return page.post(reverse("experiments:preview"), dict(data.lists())).content.decode()


def test_the_page_adds_curations_and_plans_their_jobs(page: Client) -> None:
    data = typed(page, "anna_karenina", "positives")
    html = shown_plan(page, data)
    assert '<td>curate</td><td class="num">2</td>' in html
    page.post(reverse("experiments:new"), dict(data.lists()))
    experiment = Experiment.objects.get()
    saved = clone_config(experiment)
    assert isinstance(saved, ExperimentConfig)
    assert [one.name for one in saved.curations] == ["Anna Karenina", "positives only"]
    labels = set(experiment.runs.values_list("label", flat=True))
    assert "TOPR, curation = Anna Karenina" in labels
    needs = Counter(experiment.needs.filter(role="curate").values_list("job__kind", flat=True))
    assert needs == {"curate": 2}


def test_a_clone_posts_the_same_curations(page: Client, bench: Bench) -> None:
    experiment = bench.launch(curations=[KARENINA, POSITIVES])
    shown = page.get(reverse("experiments:clone", args=[experiment.pk])).content.decode()
    page.post(reverse("experiments:new"), dict(posted(shown, "new-experiment").lists()))
    copy = Experiment.objects.exclude(pk=experiment.pk).get()
    assert copy.config["curations"] == experiment.config["curations"]


def test_an_error_of_a_step_is_told_beside_it(page: Client) -> None:
    data = typed(page, "uniform")
    data["cur0s0-size"] = "0"
    html = shown_plan(page, data)
    assert 'data-error-for="id_cur0s0-size">Enter a number between 1 and' in html
    data = typed(page, "pairs")
    data.appendlist("cur0-step", "1")
    data["cur0s1-op"] = "positives"
    html = shown_plan(page, data)
    assert 'data-error-for="errors-cur0">Preference pairs must be the last step' in html


def test_a_name_used_twice_is_told_at_the_second(page: Client) -> None:
    data = typed(page, "all", "positives")
    data["cur1-name"] = "all"
    assert 'data-error-for="id_cur1-name">The name all is used twice' in shown_plan(page, data)


def graded(bench: Bench, *, finished: bool = True) -> Job:
    node = graphs.grade()
    job = jobs_ensure(nodes=[node], user=bench.user)[node.fingerprint]
    if finished:
        worker = graphs.make_worker()
        while Job.objects.filter(state="queued").exists():
            graphs.succeed(graphs.take(worker))
    return job


def test_given_completions_are_offered_by_name_and_needed_by_the_experiment(
    page: Client, bench: Bench
) -> None:
    source = graded(bench)
    spec = CurateSpec.model_validate({"steps": [{"op": "positives"}]})
    node = Node(kind="curate", spec=spec, title="x", inputs={"rollouts": Given(source.fingerprint)})
    job = jobs_ensure(nodes=[node], user=bench.user)[node.fingerprint]
    CuratedSet.objects.create(owner=bench.user, name="My positives", job=job)
    assert (
        f"My positives (job {job.pk}, queued)"
        in page.get(reverse("experiments:new")).content.decode()
    )
    data = typed(page)
    data["rollouts_id"] = str(job.pk)
    page.post(reverse("experiments:new"), dict(data.lists()))
    experiment = Experiment.objects.get()
    assert experiment.config["rollouts_id"] == job.pk
    roles = dict(experiment.needs.filter(run=None).values_list("job_id", "role"))
    assert (roles[job.pk], roles[source.pk]) == ("curate", "grade")
    train = Job.objects.get(kind="train", title="Train TOPR, seed 0")
    assert train.inputs.get(role="rollouts").source == job


def test_completions_of_another_policy_are_warned_of(bench: Bench) -> None:
    source = graded(bench)
    warnings = experiment_preview(config=bench.config(rollouts_id=source.pk)).warnings
    other = source.inputs.get().source.inputs.get(role="policy").source
    expected = [] if other == bench.policy.job else ["Another policy than"]
    assert [text[:19] for text in warnings] == expected
    bench.policy.job = graphs_policy(bench)
    bench.policy.save()
    warnings = experiment_preview(config=bench.config(rollouts_id=source.pk)).warnings
    assert any(text.startswith("Another policy than") for text in warnings)


def graphs_policy(bench: Bench) -> Job:
    node = graphs.policy(seed=99)
    return jobs_ensure(nodes=[node], user=bench.user)[node.fingerprint]


def test_completions_that_are_gone_are_an_error_at_their_field(bench: Bench) -> None:
    with pytest.raises(FormError) as caught:
        experiment_launch(owner=bench.user, name="x", config=bench.config(rollouts_id=10**6))
    assert list(caught.value.message_dict) == ["rollouts_id"]


def test_an_experiment_from_before_curations_can_be_extended(bench: Bench) -> None:
    experiment = bench.launch(("topr",))
    for name in ("curations", "rollouts_id"):
        del experiment.config[name]
    larger = bench.config(("topr", "ppo"))
    sources = Sources(
        datasets={bench.dataset.pk: bench.dataset.job.fingerprint},
        policies={bench.policy.pk: bench.policy.job.fingerprint},
    )
    assert {run.label for run in new_runs(experiment, larger, plan(larger, sources))} == {"ppo"}
