"""How far actions are from the data, read off a score network."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def ood_indicator(
    score: Callable[[Tensor, float], Tensor],
    observations: Float[Tensor, "N O"],
    actions: Float[Tensor, "N A"],
    level: float,
) -> Float[Tensor, " N"]:
    """Return u(s, a) = ||sigma score(s, a; sigma)||, the length of the predicted noise.

    Small where the data are dense; a stand-in for a density, which the network does not have.
    """
    noise = level * score(torch.cat([observations, actions], dim=-1), level)
    length: Tensor = torch.linalg.vector_norm(noise, dim=-1)
    return length
