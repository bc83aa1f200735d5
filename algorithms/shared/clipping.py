"""Masks and clips on importance ratios: which tokens may still act on the policy.

Masks are constants for the gradient: they are made of detached ratios. `advantages` are those of
each token. Sections 1.4 and 1.5 of the specification of arXiv:2509.24203.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

LARGEST_LOG_RATIO = 20.0
"""Log ratios of tokens are clamped to this before `exp`, as in PPO's usual implementations."""


def inside(ratio: Float[Tensor, "B T"], *, low: float, high: float) -> Bool[Tensor, "B T"]:
    """Return 1 - low <= rho <= 1 + high: REC's two-side mask."""
    return (ratio >= 1 - low) & (ratio <= 1 + high)


def one_side(
    ratio: Float[Tensor, "B T"], advantages: Float[Tensor, "B T"], *, low: float, high: float
) -> Bool[Tensor, "B T"]:
    """Return where A >= 0 and rho <= 1 + high, or A <= 0 and rho >= 1 - low: PPO's mask.

    Tokens with A = 0 are always kept, which only matters for the share of clipped tokens.
    """
    return ((advantages >= 0) & (ratio <= 1 + high)) | ((advantages <= 0) & (ratio >= 1 - low))


def ring(
    ratio: Float[Tensor, "B T"],
    advantages: Float[Tensor, "B T"],
    *,
    inner: tuple[float, float],
    outer: tuple[float, float],
) -> Bool[Tensor, "B T"]:
    """Return the inner band, and beyond the outer one what the update brings back towards it.

    Kept: 1 - low <= rho <= 1 + high, or A >= 0 and rho <= 1 - low', or A <= 0 and rho >= 1 + high'.

    Args:
        inner: (low, high).
        outer: (low', high').
    """
    returning = ((advantages >= 0) & (ratio <= 1 - outer[0])) | (
        (advantages <= 0) & (ratio >= 1 + outer[1])
    )
    return inside(ratio, low=inner[0], high=inner[1]) | returning


def ppo_objective(
    log_ratio: Float[Tensor, "*shape"],
    advantages: Float[Tensor, "*shape"],
    *,
    low: float,
    high: float,
    dual: float | None = None,
) -> tuple[Float[Tensor, "*shape"], Bool[Tensor, "*shape"]]:
    """Return PPO's clipped objective with its gradient, and where it has one.

        min(rho A, [rho]_{1-low}^{1+high} A);  for A < 0 at least dual A

    Taken in log space, where a ratio that has outgrown a float and is clipped away leaves no NaN
    in the gradient: rho is capped at 1 + high where A >= 0, and held between 1 - low and `dual`
    where A < 0.

    Args:
        dual: dual clip c > 1 (Ye et al. 2020); None leaves it out.
    """
    floor = math.log1p(-low) if low < 1 else -math.inf
    cap = math.inf if dual is None else math.log(dual)
    clipped = torch.where(
        advantages >= 0,
        log_ratio.clamp(max=math.log1p(high)),
        log_ratio.clamp(min=floor, max=cap),
    )
    return advantages * clipped.exp(), clipped.detach() == log_ratio.detach()


def within_second_moment(
    log_ratio: Float[Tensor, "B T"], counted: Bool[Tensor, "B T"], *, largest: float
) -> Bool[Tensor, "B T"]:
    """Return all tokens but those counted ones whose (log rho)^2 is too large (M2PO).

    Of the counted tokens those of the largest (log rho)^2 are dropped, until the mean over the
    rest is at most `largest`. Ties are dropped together.
    """
    squares = log_ratio.detach().double() ** 2
    ordered = squares[counted].sort().values
    means = ordered.cumsum(0) / torch.arange(1, len(ordered) + 1, device=ordered.device)
    # Means of ascending numbers ascend: what is kept is a prefix.
    allowed = int((means <= largest).sum())
    if allowed == len(ordered):
        return torch.ones_like(counted)
    return ~counted | (squares < ordered[allowed])
