"""Several rounds: each policy completes the prompts anew, and the next one learns from that.

TOPR, section 4.1 (arXiv:2503.14286): mu_i = pi_(i-1), and pi_i is trained from pi_(i-1) on the
curated completions of mu_i, with mu_i as the reference, for five iterations.
"""

import hashlib
from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from algorithms.base import Schema
from algorithms.catalogue import ALGORITHMS
from webapp.experiments import stages
from webapp.experiments.cells import Cell
from webapp.experiments.config import ExperimentConfig
from webapp.experiments.plan import Plan, Recipe, Sources
from webapp.experiments.roles import in_round
from webapp.experiments.stages import Nodes
from webapp.jobs.graph import Source


class Settings(Schema):
    """How often, and what a round takes over from the one before."""

    iterations: int = Field(5, ge=1, le=50)
    """Rounds of completing, curating and training (the paper's is 5). The policy of one round
    writes the completions of the next."""
    start: Literal["previous", "base"] = "previous"
    """What each training starts from: the policy of the round before, which wrote the completions
    (the paper's choice), or the policy of the beginning."""
    optimizer: Literal["fresh", "carried"] = "fresh"
    """Whether the optimizer's moments start at zero in every round or are those of the round
    before. The paper does not say."""

    @model_validator(mode="after")
    def _moments_belong_to_their_weights(self) -> "Settings":
        if self.optimizer == "carried" and self.start == "base":
            raise ValueError(
                "A carried optimizer belongs to the weights of the round before: start from the "
                "previous policy, or take a fresh optimizer."
            )
        return self


def plan(config: ExperimentConfig, sources: Sources) -> Plan:
    """Return runs of several rounds; the completions of the first one are shared by all."""
    return stages.matrix(config, sources, _nodes)


def _nodes(cell: Cell, name: str, seed: int) -> Nodes:
    if ALGORITHMS[cell.algorithm].trains_on == "references":
        return stages.one_round(cell, name, seed)
    settings = cell.recipe
    assert isinstance(settings, Settings)  # the schema of this recipe
    found: Nodes = {}
    carried = settings.optimizer == "carried"
    spec = stages.train_spec(cell, seed).model_copy(update={"keep_optimizer": carried})
    policy: Source = cell.policy
    for number in range(1, settings.iterations + 1):
        where = f", iteration {number}" if number > 1 else ""
        made, rollouts = stages.completions(_cell_of_round(cell, policy, number, seed), where)
        data = {"rollouts": rollouts}
        if carried and number > 1:
            data["optimizer"] = policy
        start = policy if settings.start == "previous" else cell.policy
        title = f"{name}{where}"
        policy = stages.train(cell, title, seed=seed, policy=start, data=data, spec=spec)
        judged = {"train": policy, **stages.evaluations(cell, policy, title)}
        found |= {in_round(role, number): node for role, node in made.items()}
        is_last = number == settings.iterations
        found |= {role if is_last else in_round(role, number): n for role, n in judged.items()}
    return found


def _cell_of_round(cell: Cell, policy: Source, number: int, seed: int) -> Cell:
    """Return the cell whose completions a round learns from; those of the first may be given."""
    if number == 1:
        return cell
    curation = cell.curation and cell.curation.model_copy(
        update={"seed": round_seed(cell.curation.seed, number, seed)}
    )
    draw = round_seed(cell.generate.seed, number, seed)
    generate = cell.generate.model_copy(update={"seed": draw})
    return replace(cell, policy=policy, rollouts=None, generate=generate, curation=curation)


def round_seed(seed: int, number: int, run_seed: int) -> int:
    """Return the seed of a draw in a later round: another one in every round and run.

    With one seed throughout, uniform curation would choose the same problems in every round.
    """
    text = f"{seed}/{number}/{run_seed}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4]) >> 1


RECIPE = Recipe(
    title="Iterated, each policy writes for the next",
    summary=(
        "Generate, grade, curate, train, evaluate, and again with the policy that came out. The "
        "completions of the first iteration are shared; from the second one on every algorithm "
        "and seed has a chain of its own. Compare curations, such as uniform, positives only and "
        "Anna Karenina, as the paper does over five iterations."
    ),
    plan=plan,
    settings=Settings,
)
