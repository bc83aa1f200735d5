"""The baseline c and the share of positives it is worth (TOPR appendix B; rewards +1 and -1)."""


def effective_positive_share(positive_share: float, baseline: float) -> float:
    """Return p_eff, the weight of positives when a baseline c is subtracted from rewards +-1.

        p_eff = p (1 - c) / (p (1 - c) + (1 - p) (1 + c))

    Equation 7 of TOPR: c = -1 drops the negatives (1), c = 0 changes nothing (p), c = 1 drops
    the positives (0).

    Raises:
        ValueError: p outside [0, 1], c outside [-1, 1], or no sample has any weight left.
    """
    if not 0 <= positive_share <= 1 or not -1 <= baseline <= 1:
        raise ValueError("the positive share must be in [0, 1] and the baseline in [-1, 1]")
    positive = positive_share * (1 - baseline)
    negative = (1 - positive_share) * (1 + baseline)
    if positive + negative == 0:
        raise ValueError("this baseline drops every completion: only one sign is left, at weight 0")
    return positive / (positive + negative)


def baseline_for_share(positive_share: float, effective_share: float) -> float:
    """Return the baseline c under which positives weigh `effective_share`; inverse of the above.

        c = (p - p_eff) / (p + p_eff - 2 p p_eff)

    Raises:
        ValueError: p is not strictly between 0 and 1 (no baseline can change the share then), or
            p_eff is outside [0, 1].
    """
    if not 0 < positive_share < 1:
        raise ValueError("with one sign of reward only, no baseline changes the effective share")
    if not 0 <= effective_share <= 1:
        raise ValueError("the effective share must be in [0, 1]")
    return (positive_share - effective_share) / (
        positive_share + effective_share - 2 * positive_share * effective_share
    )
