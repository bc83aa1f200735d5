"""Figures of a batch from its columns, one number per completion."""

import numpy as np

from algorithms.shared.taper import FORGOTTEN_WEIGHT

LARGEST_LOG_RATIO = 80.0
"""Ratios are logged up to e^80, so that a runaway policy still gives a number to draw."""
QUANTILES = (5, 25, 50, 75, 95)
"""Percentiles of the log ratio that are logged, by sign of the advantage."""

Columns = dict[str, np.ndarray]
"""Float64 numbers, one per completion."""


def sides(columns: Columns) -> dict[str, np.ndarray]:
    """Return which completions have a positive and which a negative advantage."""
    return {"positive": columns["advantage"] > 0, "negative": columns["advantage"] < 0}


def policy_figures(columns: Columns) -> dict[str, float]:
    """Return what needs no behaviour policy; what does not exist in the batch is left out."""
    positive = columns["reward"] > 0
    up, down = columns["pushed_up"], columns["pushed_down"]
    figures = {
        "reward_mean": columns["reward"].mean(),
        "positive_share": positive.mean(),
        "drop_share": (up + down == 0).mean(),
        "length_mean": columns["length"].mean(),
        "length_max": columns["length"].max(),
    }
    if (pushed := up.sum() + down.sum()) > 0:
        figures["effective_positive_share"] = up.sum() / pushed
    for name, side in (("positive", positive), ("negative", ~positive)):
        if side.any():
            figures[f"mean_logprob_{name}"] = columns["logprob"][side].mean()
    if "entropy_sum" in columns:
        figures["entropy"] = columns["entropy_sum"].sum() / columns["length"].sum()
    if "kl_reference" in columns:
        figures["kl_reference"] = columns["kl_reference"].mean()
    figures |= _loss_figures(columns) | _group_figures(columns)
    return {name: float(value) for name, value in figures.items()}


def _loss_figures(columns: Columns) -> dict[str, float]:
    """Return what each side adds to the loss; a completion of advantage 0 is on neither."""
    if "loss" not in columns:
        return {}
    added = columns["loss"] / len(columns["loss"])
    both = sides(columns).items()
    return {f"loss_{name}": float(added[side].sum()) for name, side in both if side.any()}


def _group_figures(columns: Columns) -> dict[str, float]:
    """Return the share of prompts, of those with several completions, with equal rewards only."""
    _, group, sizes = np.unique(columns["prompt"], return_inverse=True, return_counts=True)
    low, high = np.full(len(sizes), np.inf), np.full(len(sizes), -np.inf)
    np.minimum.at(low, group, columns["reward"])
    np.maximum.at(high, group, columns["reward"])
    several = sizes > 1
    return {"zero_variance_share": (low == high)[several].mean()} if several.any() else {}


def ratio_figures(columns: Columns) -> dict[str, float]:
    """Return what compares the policy with the one that wrote the completions."""
    log_ratio = columns["log_ratio"]
    ratio = np.exp(log_ratio.clip(max=LARGEST_LOG_RATIO))
    largest = log_ratio.max()
    relative = np.exp(log_ratio - largest)
    figures = {
        "ratio_mean": ratio.mean(),
        "ratio_max": ratio.max(),
        "log_ratio_max": largest,
        "effective_sample_share": relative.sum() ** 2 / (relative**2).sum() / len(relative),
        "kl_behaviour": -log_ratio.mean(),
        "kl_behaviour_k3": columns["k3"].mean(),
    }
    both = sides(columns)
    for name, side in both.items():
        if side.any():
            figures[f"{name}s_clipped_share"] = columns["clipped"][side].mean()
    if both["negative"].any():
        forgotten = columns["weight"][both["negative"]] < FORGOTTEN_WEIGHT
        figures["negatives_forgotten_share"] = forgotten.mean()
    return {name: float(value) for name, value in figures.items()}


def quantiles(columns: Columns) -> dict[str, float]:
    """Return percentiles of the log ratio, by sign of the advantage."""
    figures = {}
    for name, side in sides(columns).items():
        if side.any():
            found = np.percentile(columns["log_ratio"][side], QUANTILES)
            for percent, value in zip(QUANTILES, found, strict=True):
                figures[f"log_ratio_p{percent:02}_{name}"] = float(value)
    return figures
