"""A Gaussian policy squashed by tanh, for several policies side by side."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from algorithms.shared.control_losses import gaussian_logprob, tanh_correction
from algorithms.shared.networks import StackedMLP

LOG_STD_MIN, LOG_STD_MAX = -20.0, 2.0
LAST_GAIN = 1e-2


class SquashedGaussian(nn.Module):
    """a = tanh(mean(s) + std(s) noise); the logarithm of std starts near -1, as in CORL."""

    def __init__(
        self,
        observation_size: int,
        widths: Sequence[int],
        action_size: int,
        generators: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        self._network = StackedMLP((observation_size, *widths, 2 * action_size), generators)
        self._network.shrink_last(generators, LAST_GAIN)
        self.log_std_scale = nn.Parameter(torch.ones(len(generators), 1, 1))
        self.log_std_offset = nn.Parameter(-torch.ones(len(generators), 1, 1))

    def sample(
        self, observations: Float[Tensor, "*C S N O"], noise: Float[Tensor, "*C S N A"]
    ) -> tuple[Float[Tensor, "*C S N A"], Float[Tensor, "*C S N"]]:
        """Return actions for given standard normal draws, and their log-densities in nats.

        Args:
            observations: With several draws per observation, the same ones for each draw.
        """
        several = observations.ndim > 3
        mean, log_std = self._moments(observations[0] if several else observations)
        before = mean + log_std.exp() * noise
        logprob = gaussian_logprob(mean, log_std, before) - tanh_correction(before)
        return torch.tanh(before), logprob

    def mode(self, observations: Float[Tensor, "S N O"]) -> Float[Tensor, "S N A"]:
        """Return tanh of the mean."""
        return torch.tanh(self._moments(observations)[0])

    def _moments(self, observations: Float[Tensor, "S N O"]) -> tuple[Tensor, Tensor]:
        mean, raw = self._network(observations).chunk(2, dim=-1)
        log_std = self.log_std_scale * raw + self.log_std_offset
        return mean, log_std.clamp(LOG_STD_MIN, LOG_STD_MAX)
