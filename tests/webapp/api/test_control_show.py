"""What the command line shows of an experiment, by its recipe."""

from webapp.api.cli import show


def detail(recipe: str, **summary: float) -> dict[str, object]:
    run = {"id": 1, "label": "BC + CDSA", "seed": 0, "state": "succeeded", "progress": 1.0}
    return {
        "id": 7,
        "name": "Repaired",
        "recipe": recipe,
        "state": "succeeded",
        "progress": 1.0,
        "counts": {"succeeded": 4},
        "eta_s": None,
        "graph": [],
        "run_list": [run | {"summary": summary}],
    }


def test_runs_of_control_are_shown_by_return_and_tail() -> None:
    said = show.experiment(detail("control", return_mean=-11.25, cvar=-13.5, violation_share=0.25))
    assert "CVaR" in said
    assert "-11.25" in said
    assert "greedy" not in said


def test_runs_of_language_models_are_shown_by_accuracy() -> None:
    said = show.experiment(detail("offline", greedy_accuracy=0.5, pass_at_1=0.25))
    assert "pass@1" in said
    assert "CVaR" not in said
