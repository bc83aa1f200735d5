"""The compare page from rows and artifacts to numbers, figures and files."""

import csv
import io
import json
import shutil
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from algorithms.metrics import metric_by_name
from tests.webapp.results import made
from webapp.datasets.models import Dataset
from webapp.experiments.models import Experiment, ExperimentJob
from webapp.jobs.models import Artifact, Job, MetricPoint
from webapp.jobs.store import default_store
from webapp.results import selectors
from webapp.results.at_k import at_k_figure, cardinality_figure
from webapp.results.choice import Choice, compact
from webapp.results.compare import Comparison, load, points, table
from webapp.results.compare_figures import curves_figure
from webapp.results.comparison import FinalRow
from webapp.results.curves import XAxis
from webapp.results.groups import GroupBy
from webapp.results.paired import Verdict
from webapp.results.statistics import mean_ci

pytestmark = pytest.mark.django_db


def comparison(lab: made.Lab, **choice: Any) -> Comparison:
    return load(Choice(runs=tuple(sorted(lab.run_ids)), **choice))


def rows(found: Comparison) -> dict[str, FinalRow]:
    return {row.group.algorithm: row for row in table(found).rows}


def query(lab: made.Lab) -> str:
    return f"runs={compact(sorted(lab.run_ids))}"


def test_the_table_holds_mean_interval_and_n_of_the_evaluations() -> None:
    lab = made.make_lab()
    row = rows(comparison(lab))["topr"]
    values = [lab.job("evaluate", "topr", seed).artifact.summary["pass_at_1"] for seed in (0, 1)]
    assert row.figures["pass_at_1"] == mean_ci(values)
    assert row.evaluated == 2


def test_differences_are_to_the_base_policy_and_collapse_is_called_lower() -> None:
    found = rows(comparison(made.make_lab(problems=200)))
    assert found[""].is_reference
    assert found["reinforce"].difference is not None
    assert found["reinforce"].difference.verdict is Verdict.LOWER
    assert found["reinforce"].difference.n_problems == 200


def test_the_difference_is_that_of_the_summaries() -> None:
    found = rows(comparison(made.make_lab()))
    for outcome in ("pass_at_1", "greedy_accuracy", "invalid_share", "tokens_mean"):
        found = rows(comparison(made.make_lab(name=outcome), outcome=outcome))
        difference = found["topr"].difference
        assert difference is not None
        means = (found["topr"].figures[outcome].mean, found[""].figures[outcome].mean)
        assert difference.mean == pytest.approx(means[0] - means[1])


def test_another_reference_can_be_chosen_by_any_of_its_runs() -> None:
    lab = made.make_lab()
    found = rows(comparison(lab, reference=lab.run("positives", 1).pk))
    assert found["positives"].is_reference
    assert found["topr"].difference is not None
    assert found["topr"].difference.paired_seeds


def test_choosing_the_default_reference_shortens_the_address() -> None:
    lab = made.make_lab()
    assert comparison(lab, reference=lab.base.pk).choice.reference is None
    other = lab.run("topr").pk
    assert comparison(lab, reference=other).choice.reference == other


def test_a_run_that_is_not_evaluated_yet_is_counted_apart_and_keeps_the_page_alive() -> None:
    lab = made.make_lab(algorithms=("topr",))
    waiting = made.make_job("evaluate", "later", state="waiting")
    running = made.make_job("train", "now", state="queued")
    config = made.train_config("topr", 2)
    made.link(running, policy=lab.policy, rollouts=lab.rollouts)
    label = lab.run("topr").label
    late = made.make_run(
        lab.experiment, label, "topr", seed=2, config=config, train=running, evaluate=waiting
    )
    found = load(Choice(runs=(*lab.run_ids, late.pk)))
    row = rows(found)["topr"]
    assert (row.evaluated, len(row.group.runs)) == (2, 3)
    assert found.is_live
    assert row.difference is not None


def test_evaluations_on_other_problems_are_compared_on_what_they_share() -> None:
    lab = made.make_lab(algorithms=("topr",), problems=40)
    more = made.make_evaluation(lab.policy, accuracy=0.5, problems=60)
    other = made.make_run(lab.experiment, "base, more problems", "", evaluate=more)
    final = table(load(Choice(runs=(*lab.run_ids, other.pk))))
    assert final.n_problems == 40
    assert "40 problems that all evaluations share" in final.warnings[0]


def test_missing_outcomes_are_said_in_the_row_and_leave_the_others() -> None:
    lab = made.make_lab(algorithms=("topr", "positives"))
    job = lab.job("evaluate", "topr", 1)
    shutil.rmtree(default_store().folder(job.artifact.path))
    found = rows(comparison(lab))
    assert found["topr"].difference is None
    assert f"outcomes of job {job.pk} cannot be read" in found["topr"].reason
    assert found["positives"].difference is not None


def test_an_evaluation_without_samples_has_no_pass_at_1() -> None:
    lab = made.make_lab(algorithms=())
    greedy = made.make_evaluation(lab.policy, accuracy=0.5, samples=0)
    run = made.make_run(lab.experiment, "greedy only", "", evaluate=greedy)
    found = table(load(Choice(runs=(lab.base.pk, run.pk))))
    assert found.rows[1].reason == "Its evaluation has no pass@1."
    assert "pass_at_1" not in found.rows[1].figures


def test_points_of_twenty_runs_come_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    jobs = [made.make_job("train", f"train {number}") for number in range(20)]
    for job in jobs:
        made.make_points(job, {"loss": [0.5] * 250})
    with django_assert_num_queries(1):
        found = selectors.metric_points([job.pk for job in jobs], "loss")
    assert {one.values.size for one in found.values()} == {250}


def test_queries_do_not_grow_with_runs(
    ada: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    small = made.make_lab(algorithms=("topr",), seeds=(0,))
    large = made.make_lab(algorithms=("topr", "positives", "tis"), seeds=(0, 1, 2))
    # session and user; what the runs are about; runs, jobs, inputs; two of the list to choose from
    for lab in (small, large):
        with django_assert_num_queries(8):
            assert ada.get(f"/compare/?{query(lab)}").status_code == 200
        with django_assert_num_queries(8):  # and alarms
            assert ada.get(f"/compare/curves.json?{query(lab)}").status_code == 200


def test_the_curves_have_a_band_a_mean_and_each_seed_and_the_base_as_a_line() -> None:
    lab = made.make_lab(algorithms=("topr",))
    found = comparison(lab)
    figure = curves_figure(found, metric_by_name("eval_sampled_accuracy"))
    names = [trace.name for trace in figure.data]
    title = lab.run("topr").label
    assert names == [
        f"{title}, 95&#37; band",
        f"{title}, seed 0",
        f"{title}, seed 1",
        f"{title} (N = 2)",
        "base policy",
    ]
    assert figure.data[-1].y[0] == lab.base.needs.get().job.artifact.summary["pass_at_1"]
    assert figure.data[1].customdata[0][0] == f"/jobs/{lab.job('train', 'topr').pk}/"


def test_the_line_of_an_untrained_verifier_is_about_verdicts_as_the_curves_are() -> None:
    lab = made.make_lab(algorithms=("topr",))
    values = [0.3] * 3
    made.make_points(
        lab.job("train", "topr"), {"eval_invalid_share": values, "eval_greedy_accuracy": values}
    )
    base = lab.base.needs.get().job
    Job.objects.filter(pk=base.pk).update(kind="weigh")
    told = {"pass_at_1": 0.9, "verdict_accuracy": 0.5, "verdict_invalid_share": 0.1}
    Artifact.objects.filter(job=base).update(summary=told)
    for metric, value in {"eval_sampled_accuracy": 0.5, "eval_invalid_share": 0.1}.items():
        figure = curves_figure(comparison(lab, metric=metric), metric_by_name(metric))
        assert figure.data[-1].name == "base policy"
        assert figure.data[-1].y[0] == value
    figure = curves_figure(
        comparison(lab, metric="eval_greedy_accuracy"), metric_by_name("eval_greedy_accuracy")
    )
    assert "base policy" not in [trace.name for trace in figure.data]


def test_an_axis_of_tokens_says_that_it_interpolates() -> None:
    lab = made.make_lab(algorithms=("topr",))
    figure = curves_figure(
        comparison(lab, axis=XAxis.TOKENS), metric_by_name("eval_sampled_accuracy")
    )
    assert any("interpolated" in note for note in figure.layout.meta["notes"])


def test_one_training_shared_by_two_experiments_is_counted_once_and_said() -> None:
    lab = made.make_lab(algorithms=("topr",))
    other = Experiment.objects.create(owner=lab.user, name="Again", config={})
    first = lab.run("topr")
    again = made.make_run(
        other,
        first.label,
        "topr",
        config=first.config,
        train=lab.job("train", "topr"),
        evaluate=lab.job("evaluate", "topr"),
    )
    found = load(Choice(runs=(*lab.run_ids, again.pk)))
    assert rows(found)["topr"].evaluated == 2
    figure = curves_figure(found, metric_by_name("eval_sampled_accuracy"))
    assert any("counted once" in note for note in figure.layout.meta["notes"])


def test_every_number_of_the_page_leads_to_its_job(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    html = ada.get(f"/compare/?{query(lab)}").content.decode()
    for seed in (0, 1):
        assert f"/jobs/{lab.job('train', 'topr', seed).pk}/" in html
        assert f"/jobs/{lab.job('evaluate', 'topr', seed).pk}/" in html
        assert f"/rollouts/{lab.job('evaluate', 'topr', seed).pk}/" in html


def test_the_empty_page_says_what_it_is_for_and_lists_runs_to_choose(ada: Client) -> None:
    assert "Nothing to compare yet" in ada.get("/compare/").content.decode()
    made.make_lab(algorithms=("topr",))
    html = ada.get("/compare/").content.decode()
    assert "Choose what to compare" in html
    assert "Does TOPR need its taper?" in html


def test_an_experiment_in_the_address_becomes_its_runs(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    response = ada.get(f"/compare/?experiment={lab.experiment.pk}")
    assert response.status_code == 302
    assert response["Location"] == f"/compare/?{query(lab)}"


def test_a_change_of_the_form_answers_with_the_fragment_and_the_new_address(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    ticks = "&".join(f"run={one}" for one in lab.run_ids)
    response = ada.get(
        f"/compare/?form=1&{ticks}&metric=loss&smooth=0.5",
        headers={"HX-Request": "true", "HX-Target": "comparison"},
    )
    assert response["HX-Push-Url"] == f"/compare/?{query(lab)}&metric=loss&smooth=0.5&band=0"
    assert "<html" not in response.content.decode()
    again = ada.get(
        f"/compare/?form=1&{ticks}&metric=loss&smooth=0.5",
        headers={
            "HX-Request": "true",
            "HX-Target": "comparison",
            "HX-Current-URL": f"http://testserver{response['HX-Push-Url']}",
        },
    )
    assert "HX-Push-Url" not in again


def test_the_list_to_choose_from_is_searched_and_keeps_what_is_chosen(ada: Client) -> None:
    one = made.make_lab(algorithms=("topr",), name="Alpha")
    made.make_lab(algorithms=("positives",), name="Beta")
    found = selectors.picker("beta positives", [one.base.pk])
    assert [entry.experiment.name for entry in found] == ["Alpha", "Beta"]
    assert [entry.experiment.name for entry in selectors.picker("alpha positives", [])] == []
    assert [entry.experiment.name for entry in selectors.picker("", [])] == ["Beta", "Alpha"]


def test_chosen_runs_that_the_search_hides_stay_chosen(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "PICKER_RUNS", 2)
    lab = made.make_lab(algorithms=("topr",), seeds=(0, 1, 2))
    html = ada.get(f"/compare/?{query(lab)}").content.decode()
    hidden = compact(sorted(lab.run_ids)[2:])
    assert f'<input type="hidden" name="runs" form="compare-form" value="{hidden}">' in html
    assert "2 further runs are not listed" in html


def test_hostile_names_are_text_everywhere(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",), name="<script>alert(1)</script>")
    for run in lab.runs.values():
        run.label = "<b>TOPR</b> %{y} $x$"
        run.save()
    html = ada.get(f"/compare/?{query(lab)}").content.decode()
    assert "<script>alert" not in html
    assert "<b>TOPR" not in html
    for name in ("curves", "final", "shares"):
        text = ada.get(f"/compare/{name}.json?{query(lab)}").content.decode()
        assert "<b>TOPR" not in text
        assert "u003cb\\u003eTOPR" not in text
        assert "&lt;b&gt;TOPR" in text.replace("\\u0026", "&")
        assert "%{y} $x$" not in text


def test_the_points_file_holds_raw_points_and_escapes_formulas(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",), seeds=(0,), name="=cmd|' /C calc'!A0")
    text = ada.get(f"/compare/export/points.csv?metric=loss&smooth=0.9&{query(lab)}")
    found = list(csv.DictReader(io.StringIO(text.content.decode())))
    job = lab.job("train", "topr")
    stored = list(MetricPoint.objects.filter(job=job, name="loss").order_by("step"))
    assert [float(row["value"]) for row in found] == [point.value for point in stored]
    assert [int(row["tokens"]) for row in found] == [point.tokens for point in stored]
    assert found[0]["experiment"] == "'=cmd|' /C calc'!A0"


def test_the_table_files_agree_with_the_page(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    row = rows(comparison(lab))["topr"]
    assert row.difference is not None
    text = ada.get(f"/compare/export/table.csv?{query(lab)}").content.decode()
    (_, found) = csv.DictReader(io.StringIO(text))
    assert float(found["pass_at_1"]) == row.figures["pass_at_1"].mean
    assert float(found["difference_pass_at_1"]) == row.difference.mean
    assert found["verdict"] == row.difference.verdict
    data = json.loads(ada.get(f"/compare/export/comparison.json?{query(lab)}").content)
    assert data["groups"][1]["figures"]["pass_at_1"]["n"] == 2
    assert data["groups"][1]["runs"][0]["train_job"] == lab.job("train", "topr").pk


def test_the_latex_table_is_booktabs_and_escaped(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    for run in lab.runs.values():
        run.label = r"TOPR_50% & \input{x}"
        run.save()
    text = ada.get(f"/compare/export/table.tex?{query(lab)}").content.decode()
    assert r"TOPR\_50\% \& \textbackslash{}input\{x\}" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert text.count(r"\\") == 3  # head, base, TOPR


def test_unknown_figures_and_files_are_not_found(ada: Client) -> None:
    assert ada.get("/compare/secrets.json").status_code == 404
    assert ada.get("/compare/export/secrets.csv").status_code == 404


def test_runs_that_are_gone_are_said(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    html = ada.get(f"/compare/?{query(lab)},99999").content.decode()
    assert "1 of the chosen runs do not exist any more" in html


def test_by_algorithm_the_page_warns_that_configurations_are_mixed(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    run = lab.run("topr", 1)
    run.config = made.train_config("topr", 1, steps=999)
    run.save()
    html = ada.get(f"/compare/?{query(lab)}&group=algorithm").content.decode()
    assert "Not only seeds differ within Tapered Off-Policy REINFORCE" in html


def test_no_points_are_asked_for_without_runs(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        assert points(load(Choice())) == {}


def test_nobody_sees_results_without_signing_in(client: Client) -> None:
    job = Job.objects.create(kind="grade", title="x", spec={}, fingerprint="f", code_version="1")
    for address in ("/compare/", "/compare/curves.json", "/rollouts/", f"/rollouts/{job.pk}/"):
        response = client.get(address)
        assert response.status_code == 302
        assert "/accounts/login/" in response["Location"]


def test_groups_by_run_draw_no_band() -> None:
    lab = made.make_lab(algorithms=("topr",))
    figure = curves_figure(
        comparison(lab, group=GroupBy.RUN), metric_by_name("eval_sampled_accuracy")
    )
    assert not [trace for trace in figure.data if trace.fill == "toself"]


def test_pass_and_maj_at_k_are_means_over_the_runs_of_a_group() -> None:
    lab = made.make_lab(algorithms=("topr",))
    figure = at_k_figure(comparison(lab))
    assert [trace.name for trace in figure.data] == ["base policy"] * 2 + [
        lab.run("topr").label
    ] * 2
    base_pass, _, topr_pass, topr_majority = figure.data
    assert list(base_pass.x) == [1, 2, 4]
    summaries = [lab.job("evaluate", "topr", seed).artifact.summary for seed in (0, 1)]
    assert topr_pass.y[0] == pytest.approx(sum(one["pass_at_1"] for one in summaries) / 2)
    assert topr_majority.line.dash == "dot"
    assert "one run" in base_pass.customdata[0][1]
    assert "over questions" in base_pass.customdata[2][1]
    assert "95% t interval over 2 runs" in topr_pass.customdata[0][1].replace("&#37;", "%")
    assert any("0/0" in note for note in figure.layout.meta["notes"])


def test_problems_are_counted_by_their_correct_completions() -> None:
    lab = made.make_lab(algorithms=("topr",))
    base = cardinality_figure(comparison(lab)).data[0]
    assert list(base.x) == ["0", "1", "2", "3", "4"]
    assert sum(base.y) == pytest.approx(1)
    mean = sum(place * share for place, share in enumerate(base.y)) / 4
    assert mean == pytest.approx(lab.base.needs.get().job.artifact.summary["pass_at_1"])


def test_columns_that_no_run_has_are_left_out_and_other_n_is_said() -> None:
    lab = made.make_lab(algorithms=("topr",))
    final = table(comparison(lab))
    assert [metric.name for metric in final.outcomes] == [
        "greedy_accuracy", "pass_at_1", "invalid_share", "tokens_mean",
    ]  # fmt: skip
    for job, samples in ((lab.job("evaluate", "topr", 0), 4), (lab.job("evaluate", "topr", 1), 16)):
        job.artifact.summary |= {"pass_at_n": 0.5, "samples": samples}
        job.artifact.save()
    final = table(comparison(lab))
    assert "pass_at_n" in [metric.name for metric in final.outcomes]
    assert any("4, 16 completions per problem" in warning for warning in final.warnings)


def test_a_further_benchmark_replaces_the_evaluations(ada: Client) -> None:
    lab = made.make_lab(algorithms=("topr",))
    dataset = Dataset.objects.create(
        owner=lab.user, name="SVAMP", job=made.make_job("dataset", "S")
    )
    role = f"evaluate:{dataset.pk}"
    run = lab.run("topr")
    run.config = {**run.config, role: {}}
    run.save()
    further = made.make_evaluation(lab.job("train", "topr"), accuracy=0.5, problems=7)
    ExperimentJob.objects.create(experiment=lab.experiment, run=run, job=further, role=role)
    plain = ada.get(f"/compare/?{query(lab)}").content.decode()
    assert f'<option value="{dataset.pk}">SVAMP' in plain
    found = comparison(lab, benchmark=dataset.pk)
    assert rows(found)["topr"].evaluated == 1
    assert rows(found)["topr"].figures["pass_at_1"].mean == further.artifact.summary["pass_at_1"]
    assert f"benchmark={dataset.pk}" in found.choice.query()
    html = ada.get(f"/compare/problems/?runs={run.pk}&benchmark={dataset.pk}").content.decode()
    assert "of 7 problems" in html
