"""The labs' results as lines of a CSV file and as the API's JSON."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from algorithms.labs.bandit import Bandit
from webapp.components.csv_cells import csv_cell
from webapp.labs.services import Chosen, Look, Played


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Return lines as a CSV file."""
    file = io.StringIO()
    csv.writer(file).writerows([csv_cell(value) for value in line] for line in lines)
    return file.getvalue()


def loss_lines(looks: Sequence[Look]) -> Iterator[Sequence[object]]:
    """Yield the head, then a line per algorithm and token."""
    yield (
        "algorithm", "label", "loss", "completion", "token", "advantage", "logprob",
        "behaviour_logprob", "ratio", "weight", "kept", "coefficient",
    )  # fmt: skip
    for look in looks:
        if look.judgement is None:
            continue
        for number, one in enumerate(look.judgement.completions, start=1):
            for place, token in enumerate(one.tokens, start=1):
                yield (
                    look.chosen.algorithm, look.chosen.label, look.judgement.loss, number, place,
                    one.advantage, token.logprob, token.behaviour_logprob, token.ratio,
                    token.weight, token.kept, token.coefficient,
                )  # fmt: skip


def bandit_lines(bandit: Bandit | None, played: Sequence[Played]) -> Iterator[Sequence[object]]:
    """Yield the head, then a line per algorithm and recorded update."""
    arms = len(bandit.behaviour) if bandit else 0
    yield (
        "algorithm", "label", "updates", *(f"arm_{arm + 1}" for arm in range(arms)),
        "expected_reward",
    )  # fmt: skip
    if bandit is None:
        return
    for one in played:
        for update, policy in sorted(one.recorded.items()):
            reward = bandit.expected_reward(policy)
            yield (one.chosen.algorithm, one.chosen.label, update, *policy, reward)


def looks_json(looks: Sequence[Look]) -> list[dict[str, Any]]:
    """Return what each algorithm makes of a batch; what is no finite number is null."""
    return [_chosen_json(look.chosen) | _judgement_json(look) for look in looks]


def _judgement_json(look: Look) -> dict[str, Any]:
    if look.judgement is None:
        return {"problem": look.problem, "loss": None, "completions": []}
    return {
        "problem": look.problem,
        "loss": _finite(look.judgement.loss),
        "effective_positive_share": look.judgement.effective_positive_share,
        "completions": [
            {
                "advantage": _finite(one.advantage),
                "ratio": _finite(one.ratio),
                "tokens": [
                    {
                        "logprob": token.logprob,
                        "behaviour_logprob": token.behaviour_logprob,
                        "ratio": _finite(token.ratio),
                        "weight": _finite(token.weight),
                        "kept": token.kept,
                        "coefficient": _finite(token.coefficient),
                    }
                    for token in one.tokens
                ],
            }
            for one in look.judgement.completions
        ],
    }


def played_json(bandit: Bandit | None, played: Sequence[Played]) -> list[dict[str, Any]]:
    """Return how each algorithm played, as far as it has."""
    if bandit is None:
        return []
    return [
        _chosen_json(one.chosen)
        | {
            "updates": one.updates,
            "is_done": one.is_done,
            "policy": one.policy,
            "expected_reward": bandit.expected_reward(one.policy),
            "best_arm_half_at": one.half_at,
            "broken_at": one.broken_at,
            "recorded": [
                {
                    "updates": update,
                    "policy": policy,
                    "expected_reward": bandit.expected_reward(policy),
                }
                for update, policy in sorted(one.recorded.items())
            ],
        }
        for one in played
    ]


def _chosen_json(chosen: Chosen) -> dict[str, Any]:
    return {
        "algorithm": chosen.algorithm,
        "label": chosen.label,
        "params": chosen.params.model_dump(mode="json"),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
