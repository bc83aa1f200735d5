"""Runs problem by problem, two sets side by side, and scores of a set under a policy."""

from dataclasses import asdict
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from algorithms.specs import GradeSpec
from webapp.api.auth import caller
from webapp.api.schemas.jobs import JobOut, job_out
from webapp.jobs.models import Job
from webapp.policies.selectors import policies
from webapp.results.beside import Match, beside
from webapp.results.beside_services import rollouts_score_under
from webapp.results.logprob_gap import rollouts_score
from webapp.results.problem_choice import parse_problems
from webapp.results.problems import Column, Standing, load_grid
from webapp.results.regrading import rollouts_grade
from webapp.results.rollout_pages import Completion
from webapp.results.rollout_views import set_or_404

router = Router(tags=["results"])


class ScoreIn(Schema):
    """By whom a set's completions are scored."""

    policy: int | None = None
    """A policy; empty takes the one that wrote them, by the code that trains."""


@router.get("/compare/problems", response=dict[str, Any])
def problems(request: HttpRequest) -> dict[str, Any]:
    """Return problems by runs, in the words of the page's address (runs=1-5&by=greedy...).

    `columns` are runs: the share of correct completions of each problem listed in `problems`.
    """
    grid = load_grid(parse_problems(request.GET))
    return {
        "base": grid.base.run.id if grid.base else None,
        "problems": [grid.problems[place] for place in grid.shown],
        "columns": [_column(column, grid.shown.tolist()) for column in grid.columns],
        "standings": [_standing(one) for one in grid.standings],
        "notes": grid.notes,
    }


@router.get("/rollouts/{job_id}/prompts/{number}/beside/{other_id}", response=dict[str, Any])
def side_by_side(request: HttpRequest, job_id: int, number: int, other_id: int) -> dict[str, Any]:
    """Return one prompt's completions in two sets; the same tokens with their change."""
    found = beside(set_or_404(job_id), set_or_404(other_id), number)
    if found is None:
        raise Http404(f"set {job_id} has no prompt {number}")
    return {"matches": [_match(match) for match in found.matches]}


@router.post("/rollouts/{job_id}/score", response={201: JobOut})
def score(request: HttpRequest, job_id: int, payload: ScoreIn) -> Status[JobOut]:
    """Queue a job that computes log-probabilities of a set again, under a policy."""
    found, user = set_or_404(job_id), caller(request)
    if payload.policy is None:
        return _made(rollouts_score(found=found, user=user))
    policy = get_object_or_404(policies(family="language"), pk=payload.policy)
    return _made(
        rollouts_score_under(found=found, policy=policy.fingerprint, name=policy.name, user=user)
    )


@router.post("/rollouts/{job_id}/grade", response={201: JobOut})
def grade(request: HttpRequest, job_id: int, payload: GradeSpec) -> Status[JobOut]:
    """Queue a grading of a set's completions with this grader and these rewards; both stay."""
    return _made(rollouts_grade(found=set_or_404(job_id), spec=payload, user=caller(request)))


def _made(job: Job) -> Status[JobOut]:
    row = Job.objects.select_related("worker", "created_by", "artifact").get(pk=job.pk)
    return Status(201, job_out(row))


def _column(column: Column, shown: list[int]) -> dict[str, Any]:
    return {
        "run": column.run.id,
        "name": column.name,
        "job": column.job_id,
        "values": column.values[shown].tolist(),
    }


def _standing(one: Standing) -> dict[str, Any]:
    counts = {"learned": one.learned, "forgotten": one.forgotten}
    rest = {"both": one.both, "neither": one.neither}
    tests = {"p_value": one.p_value, "p_adjusted": one.p_adjusted}
    return {"run": one.column.run.id, **counts, **rest, **tests}


def _match(match: Match) -> dict[str, Any]:
    return {
        "sample": match.sample,
        "left": _completion(match.left),
        "right": _completion(match.right),
        "tokens": [asdict(token) for token in match.tokens],
    }


def _completion(one: Completion | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "completion": one.row.completion,
        "grade": one.row.grade,
        "tokens": one.row.tokens,
        "logprob": one.logprob,
    }
