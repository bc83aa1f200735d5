"""What a language model learns from: rollouts with grades, or reference answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int
from torch import Tensor

from algorithms.base import CompletionBatch, Outcomes, UserError
from algorithms.data.problems import load_problems
from algorithms.data.tables import GRADED, ROLLOUTS_FILE, read_table
from algorithms.training.logprobs import Sequences, pad, pad_values
from algorithms.training.policy import Policy

_COLUMNS = pa.schema(
    [GRADED.field(name) for name in ("prompt_id", "prompt_tokens", "tokens", "logprobs", "reward")]
)


@dataclass(frozen=True)
class Ragged:
    """N rows of different lengths in one flat array."""

    values: np.ndarray
    ends: np.ndarray
    """Where each row ends."""

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]], dtype: type) -> "Ragged":
        """Return the rows of lists."""
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        flat: list[np.ndarray] = [np.asarray(row, dtype=dtype) for row in rows]
        return cls(np.concatenate([np.empty(0, dtype), *flat]), lengths.cumsum())

    @classmethod
    def of_column(cls, column: pa.ChunkedArray) -> "Ragged":
        """Return the rows of a column of lists."""
        lists = column.combine_chunks()
        offsets = lists.offsets.to_numpy()
        return cls(lists.flatten().to_numpy(), (offsets[1:] - offsets[0]).astype(np.int64))

    @property
    def lengths(self) -> np.ndarray:
        """Length of each row."""
        return np.diff(self.ends, prepend=0)

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, indices: np.ndarray) -> list[np.ndarray]:
        """Return some rows."""
        ends = self.ends[indices]
        starts = np.where(indices > 0, self.ends[indices - 1], 0)
        return [self.values[a:b] for a, b in zip(starts, ends, strict=True)]


@dataclass(frozen=True)
class TrainingSet:
    """N completions in memory."""

    prompts: Ragged
    completions: Ragged
    behaviour_logprobs: Ragged | None
    """log mu per completion token; None where no policy wrote the completions."""
    rewards: Float[Tensor, " N"]
    prompt_index: Int[Tensor, " N"]

    def __len__(self) -> int:
        return len(self.completions)

    def outcomes(self, indices: np.ndarray, generator: torch.Generator) -> Outcomes:
        """Return what the advantages of some completions are made of."""
        rows = torch.from_numpy(indices)
        lengths = torch.from_numpy(self.completions.lengths[indices])
        return Outcomes(self.rewards[rows], self.prompt_index[rows], lengths, generator)

    def batch(
        self,
        indices: np.ndarray,
        device: torch.device,
        *,
        advantages: Float[Tensor, " B"],
        mean_tokens: float,
    ) -> tuple[Sequences, CompletionBatch]:
        """Return some completions, padded, with what was computed over the whole batch."""
        sequences = pad(self.prompts.take(indices), self.completions.take(indices))
        behaviour = torch.zeros(sequences.mask.shape)
        if self.behaviour_logprobs is not None:
            behaviour = pad_values(self.behaviour_logprobs.take(indices), sequences.mask)
        rows = torch.from_numpy(indices)
        batch = CompletionBatch(
            rewards=self.rewards[rows].to(device),
            behaviour_logprobs=behaviour.to(device),
            mask=sequences.mask.to(device),
            prompt_index=self.prompt_index[rows].to(device),
            advantages=advantages.to(device),
            mean_tokens=mean_tokens,
            unit_index=torch.arange(len(indices), device=device),
        )
        return sequences.to(device), batch

    def token_count(self, indices: np.ndarray) -> int:
        """Return how many completion tokens some completions have."""
        return int(self.completions.lengths[indices].sum())


def load_rollouts(folder: Path, policy: Policy) -> TrainingSet:
    """Return the graded rollouts of an artifact.

    Raises:
        UserError: there are none, or they do not fit the policy.
        CorruptArtifactError: the artifact cannot be read.
    """
    table = read_table(folder / ROLLOUTS_FILE, _COLUMNS)
    if table.num_rows == 0:
        raise UserError("The rollouts hold 0 completions, so there is nothing to train on.")
    prompt_ids = table.column("prompt_id").combine_chunks().dictionary_encode()
    return _checked(
        policy,
        prompts=Ragged.of_column(table.column("prompt_tokens")),
        completions=Ragged.of_column(table.column("tokens")),
        behaviour_logprobs=Ragged.of_column(table.column("logprobs")),
        rewards=torch.from_numpy(table.column("reward").to_numpy().copy()),
        prompt_index=torch.from_numpy(prompt_ids.indices.to_numpy().astype(np.int64)),
    )


def load_references(folder: Path, split: str, policy: Policy) -> TrainingSet:
    """Return the reference answers of a dataset's split, each worth a reward of 1.

    Raises:
        UserError: the split has no rows, or they do not fit the policy.
        CorruptArtifactError: the artifact cannot be read.
    """
    rows = load_problems(folder, split)
    return _checked(
        policy,
        prompts=Ragged.of(policy.encode_prompts([row.prompt for row in rows]), np.int32),
        completions=Ragged.of(policy.encode_answers([row.answer for row in rows]), np.int32),
        behaviour_logprobs=None,
        rewards=torch.ones(len(rows)),
        prompt_index=torch.arange(len(rows)),
    )


def _checked(
    policy: Policy,
    *,
    prompts: Ragged,
    completions: Ragged,
    behaviour_logprobs: Ragged | None,
    rewards: Float[Tensor, " N"],
    prompt_index: Int[Tensor, " N"],
) -> TrainingSet:
    longest = int((prompts.lengths + completions.lengths).max())
    if longest > policy.max_tokens:
        raise UserError(
            f"The longest completion has {longest} tokens with its prompt; the model reads "
            f"at most {policy.max_tokens}. Leave out the long rows, or choose another policy."
        )
    vocabulary = policy.model.get_input_embeddings().num_embeddings
    largest = max(prompts.values.max(), completions.values.max())
    if largest >= vocabulary:
        raise UserError(
            f"The completions hold the token {largest}, but the policy has {vocabulary} tokens: "
            "they were written by another policy. Train the policy that wrote them."
        )
    return TrainingSet(prompts, completions, behaviour_logprobs, rewards, prompt_index)
