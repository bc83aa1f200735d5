"""Transitions on the device, and batches drawn from them by seed and step alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

import torch
from jaxtyping import Float
from torch import Tensor

from algorithms.base import UserError
from algorithms.control_base import Spaces, TransitionBatch
from algorithms.control_data.scaling import Scaling
from algorithms.control_data.transitions import Transitions

BLOCK = 32
"""Updates whose draws are made together: one call to the generator instead of 32."""
MEMORY_SHARE = 0.5
"""Data may take up to this share of a GPU's free memory."""


@dataclass(frozen=True)
class ResidentData:
    """All transitions in one tensor on the device, so that a batch is one gather."""

    packed: Float[Tensor, "R W"]
    """Columns: observation, next observation, action, reward, terminated."""
    observation_size: int
    action_size: int

    def __len__(self) -> int:
        return len(self.packed)

    @classmethod
    def of(cls, transitions: Transitions, scaling: Scaling, device: torch.device) -> "ResidentData":
        """Return scaled transitions on the device.

        Raises:
            UserError: there are none, or they do not fit into the device's memory.
        """
        if not len(transitions):
            raise UserError("The data set has no transitions to learn from.")
        columns = (
            scaling.observations(transitions.observations),
            scaling.observations(transitions.next_observations),
            scaling.actions(transitions.actions).clamp(-1, 1),
            torch.from_numpy(transitions.rewards)[:, None],
            torch.from_numpy(transitions.terminated.astype("float32"))[:, None],
        )
        packed = torch.cat(columns, dim=1).contiguous()
        if device.type == "cuda":
            free = torch.cuda.mem_get_info(device)[0]
            needed = packed.numel() * packed.element_size()
            if needed > MEMORY_SHARE * free:
                raise UserError(
                    f"The data set takes {needed / 1e9:.1f} GB and the GPU has {free / 1e9:.1f} "
                    "GB free: use a smaller data set or a larger GPU."
                )
        return cls(packed.to(device), columns[0].shape[1], columns[2].shape[1])

    def batch(
        self,
        rows: Float[Tensor, "S N W"],
        normals: Float[Tensor, "S N K"],
        uniforms: Float[Tensor, "S N U"],
    ) -> TransitionBatch:
        """Return gathered rows as a batch of named views."""
        size, actions = self.observation_size, self.action_size
        return TransitionBatch(
            observations=rows[..., :size],
            next_observations=rows[..., size : 2 * size],
            actions=rows[..., 2 * size : 2 * size + actions],
            rewards=rows[..., -2],
            terminated=rows[..., -1],
            normals=normals,
            uniforms=uniforms,
        )


@dataclass(frozen=True)
class BatchStream:
    """The batches of a whole training: a function of seeds and step, so nothing is to be saved."""

    data: ResidentData
    spaces: Spaces
    batch_size: int
    normals: int
    uniforms: int
    steps: int
    discount: float = 0.99

    def batches(self, start: int) -> Iterator[TransitionBatch]:
        """Yield the batches of the updates from `start` (from 0) to the end of its block."""
        block, first = divmod(start, BLOCK)
        index, normals, uniforms = self._drawn(block)
        rows = self.data.packed[index[first:]]
        for place in range(first, min(BLOCK, self.steps - block * BLOCK)):
            yield replace(
                self.data.batch(rows[place - first], normals[place], uniforms[place]),
                discount=self.discount,
                step=block * BLOCK + place,
                steps=self.steps,
            )

    def _drawn(self, block: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return row numbers [BLOCK, S, N], normals and uniforms [BLOCK, S, N, count]."""
        device = self.spaces.device
        found: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
        for seed in self.spaces.seeds:
            generator = torch.Generator(device).manual_seed(_key(seed, block))
            shape = (BLOCK, self.batch_size)
            found[0].append(
                torch.randint(len(self.data), shape, generator=generator, device=device)
            )
            found[1].append(torch.randn((*shape, self.normals), generator=generator, device=device))
            found[2].append(torch.rand((*shape, self.uniforms), generator=generator, device=device))
        index, normals, uniforms = (torch.stack(each, dim=1) for each in found)
        return index, normals, uniforms


def _key(seed: int, block: int) -> int:
    digest = blake2b(f"batches {seed} {block}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "little")
