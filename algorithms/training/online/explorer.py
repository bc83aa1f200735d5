"""Explore steps: which prompts a batch asks, their completions, grades and rewards."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from algorithms.base import Reporter, Stopped, UserError
from algorithms.data.grading import Item, Judge, Verdict, reward
from algorithms.data.rows import Row
from algorithms.specs import OnlineSpec
from algorithms.training.behaviour import LogprobGap, behaviour_logprobs
from algorithms.training.online.buffer import Group
from algorithms.training.online.generator import Generator, Written
from algorithms.training.online.journal import Journal
from algorithms.training.policy import Policy
from algorithms.training.requests import Request
from algorithms.training.seeds import stream


@dataclass
class Tally:
    """What was written for one update."""

    rewards: list[list[float]] = field(default_factory=list)
    """By group."""
    grades: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    """Tokens of each completion."""
    truncated: int = 0
    seconds: float = 0.0
    """Spent on writing and grading."""
    gap: float = 0.0
    """Sum over `gap_tokens` of |engine - trainer|, in nats."""
    gap_tokens: int = 0
    """Tokens of which an engine computed log mu as well."""

    def compare(self, written: Written) -> None:
        """Note how far the engine that wrote completions is from the code that trains."""
        found = LogprobGap.between(
            [one.engine_logprobs for one in written.completions], written.logprobs
        )
        if found is not None:
            self.gap += found.mean * found.tokens
            self.gap_tokens += found.tokens

    def add(self, group: Group, verdicts: Sequence[Verdict]) -> None:
        """Count a group."""
        self.rewards.append(list(group.rewards))
        self.grades += [verdict.grade for verdict in verdicts]
        self.lengths += [len(tokens) for tokens in group.completions]
        self.truncated += sum(group.truncated)

    def figures(self) -> dict[str, float]:
        """Return the declared metrics of what was written; none where nothing was."""
        count = len(self.grades)
        if not count:
            return {}
        alike = [len(set(rewards)) == 1 for rewards in self.rewards if len(rewards) > 1]
        zero_variance = {"rollout_zero_variance_share": float(np.mean(alike))} if alike else {}
        return {
            "rollout_reward_mean": float(np.mean([r for group in self.rewards for r in group])),
            "rollout_accuracy": self.grades.count("correct") / count,
            "rollout_invalid_share": self.grades.count("invalid") / count,
            "rollout_tokens_mean": sum(self.lengths) / count,
            "rollout_truncated_share": self.truncated / count,
            "generation_tokens_per_s": sum(self.lengths) / self.seconds,
            **zero_variance,
            **({"rollout_logprob_gap": self.gap / self.gap_tokens} if self.gap_tokens else {}),
        }


class Explorer:
    """Writes batches; each follows from its number, the seeds and the generator's weights."""

    def __init__(
        self,
        spec: OnlineSpec,
        generator: Generator,
        judge: Judge,
        *,
        problems: Sequence[Row],
        prompts: Sequence[Sequence[int]],
        reference: Policy | None,
        reporter: Reporter,
    ) -> None:
        """Prepare to write.

        Args:
            prompts: tokens of each problem.
            reference: whose log-probabilities the algorithm asks for.

        Raises:
            UserError: a batch would ask a prompt twice.
        """
        if spec.prompts_per_step > len(problems):
            raise UserError(
                f"An update is to complete {spec.prompts_per_step:,} prompts, and the split "
                f"{spec.generate.split!r} has {len(problems):,}. Lower prompts_per_step."
            )
        self.generator = generator
        self._spec = spec
        self._judge = judge
        self._problems = problems
        self._prompts = prompts
        self._reference = reference
        self._reporter = reporter

    @property
    def problems(self) -> int:
        """How many prompts there are."""
        return len(self._problems)

    def take_over(self, policy: Policy) -> None:
        """Let the generator write with the trained weights as they are."""
        self.generator.take_over(policy.model)

    def write(self, batch: int, *, version: int, tally: Tally, journal: Journal) -> list[Group]:
        """Return the groups of a batch.

        Args:
            batch: its number, from 1.
            version: of the generator's weights.
            tally: counts what is written.
            journal: keeps it row by row.

        Raises:
            UserError: a prompt does not fit the policy, or the engine cannot run here.
            Stopped: the reporter asked for it.
        """
        spec = self._spec
        chosen = self._chosen(batch)
        requests = [
            Request(self._problems[i].id, sample, self._prompts[i])
            for i in chosen
            for sample in range(spec.generate.completions)
        ]
        seed = int(stream("explore", spec.seed, spec.generate.seed, batch).integers(2**63))
        written = self.generator.write(
            requests, seed=seed, on_progress=self._breathe, on_ready=self._reporter.message
        )
        tally.compare(written)
        verdicts = self._judge.grade_all(
            [
                Item(completion.text, self._problems[i].answer, completion.finish_reason)
                for i, completion in zip(
                    np.repeat(chosen, spec.generate.completions), written.completions, strict=True
                )
            ],
            on_progress=self._breathe,
        )
        groups = self._grouped(batch, version, requests, written, verdicts)
        for place, group in enumerate(groups):
            of_group = slice(place * len(group), (place + 1) * len(group))
            tally.add(group, verdicts[of_group])
        journal.wrote(groups, [self._problems[i] for i in chosen], written, verdicts)
        return groups

    def _chosen(self, batch: int) -> np.ndarray:
        """Return the problems of a batch: a new permutation each pass, no prompt twice in a batch.

        What does not fill a batch at the end of a pass is left to the next one.
        """
        size = self._spec.prompts_per_step
        lap, place = divmod(batch - 1, len(self._problems) // size)
        order = stream("prompt order", self._spec.seed, lap).permutation(len(self._problems))
        return order[place * size : (place + 1) * size]

    def _grouped(  # noqa: PLR0917
        self,
        batch: int,
        version: int,
        requests: Sequence[Request],
        written: Written,
        verdicts: Sequence[Verdict],
    ) -> list[Group]:
        size = self._spec.generate.completions
        references = self._references(requests, written)
        first = (batch - 1) * self._spec.prompts_per_step
        worth = [
            reward(one.grade, self._spec.rewards, well_formed=one.well_formed) for one in verdicts
        ]
        groups: list[Group] = []
        for start in range(0, len(requests), size):
            own = slice(start, start + size)
            made = written.completions[own]
            groups.append(
                Group(
                    number=first + len(groups),
                    version=version,
                    prompt_id=requests[start].prompt_id,
                    prompt=requests[start].tokens,
                    completions=[completion.tokens for completion in made],
                    logprobs=written.logprobs[own],
                    reference=None if references is None else references[own],
                    rewards=worth[own],
                    truncated=[completion.finish_reason == "length" for completion in made],
                )
            )
        return groups

    def _references(
        self, requests: Sequence[Request], written: Written
    ) -> Sequence[Sequence[float]] | None:
        if self._reference is None:
            return None
        return behaviour_logprobs(
            self._reference,
            [request.tokens for request in requests],
            [completion.tokens for completion in written.completions],
            batch_size=self._spec.generate.batch_size,
            precision=self._spec.settings.precision,
            on_progress=self._breathe,
        )

    def _breathe(self, _done: int) -> None:
        if self._reporter.should_stop():
            raise Stopped("Stopped while completions were written; the checkpoint is kept.")
