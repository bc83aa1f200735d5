"""A training's policy in one piece: as it is, or gathered from the processes that share it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from algorithms.training.policy import Policy

WholePolicy = Callable[[], AbstractContextManager[Policy | None]]
"""`with whole() as policy:` gives the policy in one piece, to sample from and to save; None on
processes that only lend their part of it. All processes of a training enter at the same time."""


def undivided(policy: Policy) -> WholePolicy:
    """Return what gives a policy that is in one piece already."""
    return lambda: nullcontext(policy)


class Twin:
    """Gathers a sharded policy into a copy of it that the first process has."""

    def __init__(self, sharded: Policy, twin: Policy | None) -> None:
        """Prepare it.

        Args:
            twin: the same policy, prepared in the same way and not sharded, in main memory.
        """
        self._sharded = sharded
        self._twin = twin

    @contextmanager
    def __call__(self) -> Iterator[Policy | None]:
        """Give the copy as the policy is now, on its device; afterwards it is put aside again."""
        gathered = collect(own_tensors(self._sharded.model), keep=self._twin is not None)
        if self._twin is None:
            yield None
            return
        model = self._twin.model
        model.to("cpu")
        with torch.no_grad():
            for name, target in own_tensors(model).items():
                target.copy_(gathered.pop(name))
        model.to(self._sharded.device)
        yield self._twin
        model.to("cpu")


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return trainable weights and saved buffers, each once where two names share one.

    Frozen weights, those under adapters, are the ones that the training starts from.
    """
    weights = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    own = {name: w.detach() for name, w in model.named_parameters() if w.requires_grad}
    return own | {name: v for name, v in model.state_dict().items() if name not in weights}


def collect(tensors: Mapping[str, Tensor], *, keep: bool) -> dict[str, Tensor]:
    """Return tensors with those that are spread over processes in one piece, in main memory.

    One after the other, so that a device holds one whole tensor at a time.

    Args:
        keep: whether this process wants them; the others get nothing, but have to help.
    """
    kept = {}
    for name, tensor in tensors.items():
        whole = tensor.full_tensor().cpu() if isinstance(tensor, DTensor) else tensor
        if keep:
            kept[name] = whole
    return kept


def spread(whole: Tensor, like: Tensor) -> Tensor:
    """Return a tensor spread over the processes as another of its shape; a view where neither is.

    Every process has the whole of it already, so nothing is sent.
    """
    if not isinstance(like, DTensor):
        return whole
    return distribute_tensor(
        whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None
    )
