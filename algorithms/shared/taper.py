"""The taper [x]_a^b of an importance ratio and the objective it is the gradient of.

Both take log x, so that a ratio too large for a float still has a value, and bounds a, b with
0 <= a <= b; a = 0 is no lower bound, b = None no upper bound, b = 0 drops the sample.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

FORGOTTEN_WEIGHT = 0.01
"""Below this importance weight a negative completion no longer acts on the policy."""


def taper(
    log_ratio: Float[Tensor, "*shape"], minimum: float, maximum: float | None
) -> Float[Tensor, "*shape"]:
    """Return alpha = [x]_a^b = max(min(x, b), a), clamped in log space, without gradient.

    Equation 3 of TOPR (arXiv:2503.14286). The stop-gradient is part of the definition: alpha is
    the weight of grad log pi, not a factor to differentiate.

    Raises:
        ValueError: the bounds are not 0 <= a <= b.
    """
    return _clamp_log(log_ratio.detach(), minimum, maximum).exp()


def taper_objective(
    log_ratio: Float[Tensor, "*shape"], minimum: float, maximum: float | None
) -> Float[Tensor, "*shape"]:
    """Return rho(x; a, b), with d rho / d log x = [x]_a^b; rho <= x, equal on [a, b].

        rho = a (1 + log(x/a)) if x < a,   b (1 + log(x/b)) if x > b,   x otherwise

    Equation 6 of TOPR. All three branches are e^t (1 + log x - t), t = log [x]_a^b.

    Raises:
        ValueError: the bounds are not 0 <= a <= b.
    """
    clamped = _clamp_log(log_ratio, minimum, maximum)
    if maximum == 0:
        return torch.zeros_like(log_ratio)
    return clamped.exp() * (1 + log_ratio - clamped)


def _clamp_log(
    log_ratio: Float[Tensor, "*shape"], minimum: float, maximum: float | None
) -> Float[Tensor, "*shape"]:
    if minimum < 0 or (maximum is not None and maximum < minimum):
        raise ValueError(f"taper bounds must satisfy 0 <= a <= b, not a={minimum}, b={maximum}")
    low = math.log(minimum) if minimum > 0 else -math.inf
    high = math.inf if maximum is None else (math.log(maximum) if maximum > 0 else -math.inf)
    return log_ratio.clamp(min=low, max=high)
