"""Small networks of several policies side by side: one batched product per layer."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from algorithms.shared import perceptrons

Activation = Literal["relu", "silu", "tanh"]

_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "silu": functional.silu,
    "tanh": torch.tanh,
}


class StackedMLP(nn.Module):
    """M perceptrons of one shape, computed together; member m has weights `[m]` of each tensor.

    A member's weights depend on its generator alone, so they are those that it would have alone.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        generators: Sequence[torch.Generator],
        *,
        activation: Activation = "relu",
        tanh_output: bool = False,
        layer_norm: bool = False,
    ) -> None:
        """Draw weights as PyTorch's linear layers do: uniform up to 1 / sqrt(inputs).

        Args:
            sizes: Inputs, hidden widths, outputs.
            generators: One per member; one that is named twice goes on drawing.
            layer_norm: Normalise hidden layers before their activation.
        """
        super().__init__()
        self._activation = _ACTIVATIONS[activation]
        self._only_relu = activation == "relu" and not layer_norm
        self._tanh_output = tanh_output
        pairs = list(pairwise(sizes))
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for inputs, outputs in pairs:
            bound = 1 / math.sqrt(inputs)
            self.weights.append(_uniform((inputs, outputs), bound, generators))
            self.biases.append(_uniform((1, outputs), bound, generators))
        members = len(generators)
        self.gains = nn.ParameterList()
        self.shifts = nn.ParameterList()
        if layer_norm:
            for width in sizes[1:-1]:
                self.gains.append(nn.Parameter(torch.ones(members, 1, width)))
                self.shifts.append(nn.Parameter(torch.zeros(members, 1, width)))

    def forward(
        self, inputs: Float[Tensor, "S N I"], *, frozen: bool = False, first: int | None = None
    ) -> Float[Tensor, "M N O"]:
        """Return the outputs of each member; member m reads the inputs m modulo S.

        Args:
            frozen: Let gradients through to the inputs only.
            first: Use the first members only; their weights are frozen too.
        """
        weights = [_part(each, frozen=frozen, first=first) for each in self.weights]
        biases = [_part(each, frozen=frozen, first=first) for each in self.biases]
        if self._only_relu and perceptrons.pays(inputs, weights[0].shape[2]):
            found = perceptrons.relu_perceptrons(inputs, weights, biases)
            return torch.tanh(found) if self._tanh_output else found
        hidden = inputs.repeat(len(weights[0]) // len(inputs), 1, 1)
        last = len(weights) - 1
        for layer in range(last + 1):
            hidden = _affine(hidden, weights[layer], biases[layer])
            if layer == last:
                break
            if len(self.gains):
                gain = _part(self.gains[layer], frozen=frozen, first=first)
                shift = _part(self.shifts[layer], frozen=frozen, first=first)
                hidden = functional.layer_norm(hidden, hidden.shape[-1:]) * gain + shift
            hidden = self._activation(hidden)
        return torch.tanh(hidden) if self._tanh_output else hidden

    def make_orthogonal(
        self, generators: Sequence[torch.Generator], *, hidden_gain: float, last_gain: float
    ) -> None:
        """Draw the weights again, orthogonal, with biases 0."""
        last = len(self.weights) - 1
        with torch.no_grad():
            for layer, weight in enumerate(self.weights):
                gain = last_gain if layer == last else hidden_gain
                for member, generator in enumerate(generators):
                    nn.init.orthogonal_(weight[member], gain=gain, generator=generator)
                self.biases[layer].zero_()

    def shrink_last(self, generators: Sequence[torch.Generator], gain: float) -> None:
        """Draw the last layer again, Xavier uniform times a gain, with bias 0."""
        with torch.no_grad():
            for member, generator in enumerate(generators):
                weight = self.weights[-1][member]
                nn.init.xavier_uniform_(weight, gain=gain, generator=generator)
            self.biases[-1].zero_()


def _uniform(
    shape: tuple[int, int], bound: float, generators: Sequence[torch.Generator]
) -> nn.Parameter:
    drawn = [torch.rand(shape, generator=each) * (2 * bound) - bound for each in generators]
    return nn.Parameter(torch.stack(drawn))


def _part(weight: Tensor, *, frozen: bool, first: int | None) -> Tensor:
    if first is not None:
        return weight.detach()[:first]
    return weight.detach() if frozen else weight


def _affine(
    inputs: Float[Tensor, "M N I"], weight: Float[Tensor, "M I O"], bias: Float[Tensor, "M 1 O"]
) -> Float[Tensor, "M N O"]:
    if len(weight) == 1:
        # One plain product is faster than a batch of one.
        return torch.addmm(bias[0], inputs[0], weight[0]).unsqueeze(0)
    return torch.baddbmm(bias, inputs, weight)


class TwinValues(nn.Module):
    """Two value networks per policy: members 0 to S - 1 are the first ones, then the second."""

    def __init__(
        self,
        sizes: Sequence[int],
        generators: Sequence[torch.Generator],
        *,
        layer_norm: bool = False,
    ) -> None:
        super().__init__()
        self.network = StackedMLP((*sizes, 1), [*generators, *generators], layer_norm=layer_norm)

    def forward(
        self, *inputs: Float[Tensor, "S N _"], frozen: bool = False
    ) -> Float[Tensor, "2 S N"]:
        """Return both values at the joined inputs."""
        joined = torch.cat(inputs, dim=-1)
        both: Tensor = self.network(joined, frozen=frozen)
        return both.view(2, *joined.shape[:2])

    def first(self, *inputs: Float[Tensor, "S N _"]) -> Float[Tensor, "S N"]:
        """Return the first value; gradients reach the inputs only."""
        joined = torch.cat(inputs, dim=-1)
        value: Tensor = self.network(joined, first=len(joined))
        return value.squeeze(-1)


def adam(
    parameters: Iterable[nn.Parameter], learning_rate: float, device: torch.device
) -> torch.optim.Adam:
    """Return Adam in one kernel for all weights; its rate may change inside a CUDA graph."""
    on_gpu = device.type == "cuda"
    rate = torch.tensor(learning_rate, device=device) if on_gpu else learning_rate
    return torch.optim.Adam(parameters, lr=rate, fused=True, capturable=on_gpu)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next update use this rate."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def cosine(rate: float, step: int, steps: int) -> float:
    """Return the rate of update `step` (from 0), falling to 0 along half a cosine."""
    return 0.5 * rate * (1.0 + math.cos(math.pi * min(step, steps) / max(1, steps)))


@torch.no_grad()
def follow(target: nn.Module, source: nn.Module, rate: float) -> None:
    """Move the target's weights towards the source's by a share (Polyak averaging)."""
    torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), rate)


def descend(optimizer: torch.optim.Optimizer, losses: Float[Tensor, " S"]) -> None:
    """Take one step on the loss of each policy; their weights are apart, so the sum will do."""
    optimizer.zero_grad(set_to_none=True)
    losses.sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
