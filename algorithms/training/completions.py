"""What a language model learns from: rollouts with grades, or reference answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from jaxtyping import Float, Int
from torch import Tensor

from algorithms.asking import Prompt
from algorithms.base import CompletionBatch, Outcomes, UserError
from algorithms.curation.mixing import SOURCE
from algorithms.data.problems import load_problems
from algorithms.data.tables import GRADED, ROLLOUTS_FILE, read_table
from algorithms.shared.masking import token_counts
from algorithms.training.logprobs import Sequences, pad, pad_values
from algorithms.training.policy import Policy
from algorithms.training.units import UnitKind, Units, named_pairs, random_pairs

_PAIR = pa.field("pair", pa.int32())
"""Which pair a completion is of; null for none. Only curated rollouts have the column."""
_SOURCE = pa.field(SOURCE, pa.int32())
"""Which set of a mixture a completion is from. Only mixed rollouts have the column."""
_COLUMNS = pa.schema(
    [
        GRADED.field(name)
        for name in (
            "prompt_id",
            "prompt_tokens",
            "tokens",
            "logprobs",
            "finish_reason",
            "reward",
        )
    ]
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
    truncated: np.ndarray | None = None
    """Which completions were cut off by the length limit; None where nothing tells."""
    pairs: np.ndarray | None = None
    """Number of each completion's pair, below 0 for none; None where the rollouts name none."""
    reference_logprobs: Ragged | None = None
    """log of the reference policy per completion token, for algorithms that ask for it."""
    sources: Int[Tensor, " N"] | None = None
    """Which set of a mixture each completion is from; None where there is one set."""

    def __len__(self) -> int:
        return len(self.completions)

    def units(self, kind: UnitKind, *, most_pairs: int, seed: int) -> Units:
        """Return what is shuffled and kept together.

        Args:
            most_pairs: made per prompt where the rollouts name no pairs.

        Raises:
            UserError: pairs are asked for, and there is none.
        """
        match kind:
            case "completion":
                return Units.singles(np.arange(len(self)))
            case "prompt":
                return Units.of_groups(self.prompt_index.numpy())
            case "pair":
                prompts, rewards = self.prompt_index.numpy(), self.rewards.numpy()
                if self.pairs is not None:
                    return named_pairs(self.pairs, prompts, rewards)
                return random_pairs(prompts, rewards, most=most_pairs, seed=seed)

    def outcomes(self, indices: np.ndarray, generator: torch.Generator) -> Outcomes:
        """Return what the advantages of some completions are made of."""
        rows = torch.from_numpy(indices)
        lengths = torch.from_numpy(self.completions.lengths[indices])
        return Outcomes(self.rewards[rows], self.prompt_index[rows], lengths, generator)

    def batch(self, indices: np.ndarray, device: torch.device) -> tuple[Sequences, CompletionBatch]:
        """Return some completions, padded, as a whole batch with the rewards for advantages."""
        sequences = pad(self.prompts.take(indices), self.completions.take(indices))
        mask = sequences.mask
        behaviour = torch.zeros(mask.shape)
        if self.behaviour_logprobs is not None:
            behaviour = pad_values(self.behaviour_logprobs.take(indices), mask)
        reference = None
        if self.reference_logprobs is not None:
            reference = pad_values(self.reference_logprobs.take(indices), mask).to(device)
        rows = torch.from_numpy(indices)
        rewards = self.rewards[rows].to(device)
        batch = CompletionBatch(
            rewards=rewards,
            behaviour_logprobs=behaviour.to(device),
            mask=mask.to(device),
            prompt_index=self.prompt_index[rows].to(device),
            advantages=rewards,
            mean_tokens=float(token_counts(mask).double().mean()),
            unit_index=torch.arange(len(indices), device=device),
            reference_logprobs=reference,
            source_index=None if self.sources is None else self.sources[rows].to(device),
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
    table = _read(folder / ROLLOUTS_FILE)
    if table.num_rows == 0:
        raise UserError("The rollouts hold 0 completions, so there is nothing to train on.")
    prompt_ids = table.column("prompt_id").combine_chunks().dictionary_encode()
    data = TrainingSet(
        prompts=Ragged.of_column(table.column("prompt_tokens")),
        completions=Ragged.of_column(table.column("tokens")),
        behaviour_logprobs=Ragged.of_column(table.column("logprobs")),
        rewards=torch.from_numpy(table.column("reward").to_numpy().copy()),
        prompt_index=torch.from_numpy(prompt_ids.indices.to_numpy().astype(np.int64)),
        truncated=pc.equal(table.column("finish_reason"), "length").to_numpy(),
        pairs=_pairs(table),
        sources=_sources(table),
    )
    require_readable(data, policy)
    return data


def _read(path: Path) -> pa.Table:
    table = read_table(path, _COLUMNS)
    present = pq.read_schema(path).names
    for field in (_PAIR, _SOURCE):
        if field.name in present:
            own = read_table(path, pa.schema([field]))
            table = table.append_column(field, own.column(field.name))
    return table


def _pairs(table: pa.Table) -> np.ndarray | None:
    if _PAIR.name not in table.column_names:
        return None
    pairs: np.ndarray = table.column(_PAIR.name).fill_null(-1).to_numpy()
    return pairs


def _sources(table: pa.Table) -> Tensor | None:
    if _SOURCE.name not in table.column_names:
        return None
    return torch.from_numpy(table.column(_SOURCE.name).to_numpy().astype(np.int64))


def load_references(
    folder: Path,
    split: str,
    policy: Policy,
    prompt: Prompt = Prompt(),  # noqa: B008 - frozen
) -> TrainingSet:
    """Return the reference answers of a dataset's split, each worth a reward of 1.

    Raises:
        UserError: the split has no rows, or they do not fit the policy.
        CorruptArtifactError: the artifact cannot be read.
    """
    rows = load_problems(folder, split)
    data = TrainingSet(
        prompts=Ragged.of(policy.encode_problems(prompt, rows), np.int32),
        completions=Ragged.of(policy.encode_answers([row.answer for row in rows]), np.int32),
        behaviour_logprobs=None,
        rewards=torch.ones(len(rows)),
        prompt_index=torch.arange(len(rows)),
    )
    require_readable(data, policy)
    return data


def require_readable(data: TrainingSet, policy: Policy) -> None:
    """Check that a policy can read the completions.

    Raises:
        UserError: one is too long, or holds a token that the policy does not have.
    """
    longest = int((data.prompts.lengths + data.completions.lengths).max())
    if longest > policy.max_tokens:
        raise UserError(
            f"The longest completion has {longest} tokens with its prompt; the model reads "
            f"at most {policy.max_tokens}. Leave out the long rows, or choose another policy."
        )
    vocabulary = policy.model.get_input_embeddings().num_embeddings
    largest = max(data.prompts.values.max(), data.completions.values.max())
    if largest >= vocabulary:
        raise UserError(
            f"The completions hold the token {largest}, but the policy has {vocabulary} tokens: "
            "they were written by another policy. Train the policy that wrote them."
        )
