"""Trinity-RFT's algorithms in our words: `algorithm_type` and the arguments of its functions."""

from collections.abc import Callable, Mapping
from typing import Any

from webapp.experiments.portable.references import Path
from webapp.experiments.portable.trinity_taken import Taken

_LOSS, _ADVANTAGE = "algorithm.policy_loss_fn_args", "algorithm.advantage_fn_args"
_PARAMS: Path = ("config", "algorithms", 0, "params")
_CLIP = {"none": "none", "one-side": "one_side", "two-side": "two_side", "ring": "ring"}
_WEIGHT = {
    "none": "none",
    "importance_sampling": "importance_sampling",
    "gspo_importance_sampling": "importance_sampling",
}
_REGULARISER = {"none": "none", "k2": "k2", "forward-kl": "forward_kl"}
_AGGREGATION = {
    "token-mean": "token_mean",
    "seq-mean-token-mean": "sequence_mean",
    "seq-mean-token-sum": "sequence_sum",
}
_KL = {"none": "none", "k1": "k1", "k2": "k2", "k3": "k3", "low_var_kl": "k3"}

Params = dict[str, Any]


def algorithm_of(taken: Taken) -> dict[str, Any]:
    """Return one compared group: our algorithm and its hyperparameters."""
    kind = str(
        taken("algorithm.algorithm_type", "ppo", to=("config", "algorithms", 0, "algorithm"))
    )
    translate = _KINDS.get(kind)
    if translate is None:
        return {"label": kind or "?", "algorithm": kind}
    algorithm, params = translate(taken)
    return {"label": kind, "algorithm": algorithm, "params": params | _reference(taken, algorithm)}


def _reference(taken: Taken, algorithm: str) -> Params:
    """Return the divergence from the reference that is added to the loss, where there is one."""
    estimator = taken("algorithm.kl_loss_fn", "k2")
    weight = taken("algorithm.kl_loss_fn_args.kl_coef", 0.0)
    if taken("algorithm.entropy_loss_fn_args.entropy_coef", 0.0):
        taken.note("algorithm.entropy_loss_fn_args.entropy_coef", "no entropy bonus here")
    taken("algorithm.entropy_loss_fn")
    if not weight or estimator == "none":
        return {}
    if estimator not in _KL or algorithm in ("topr", "ppo", "sft", "dpo"):
        taken.note("algorithm.kl_loss_fn", f"{estimator} cannot be added to {algorithm} here")
        return {}
    return {"reference_kl": _KL[estimator], "reference_kl_coefficient": weight}


def _given(taken: Taken, section: str, names: Mapping[str, str]) -> Params:
    """Return the arguments that are given, under our names."""
    return {
        ours: value
        for theirs, ours in names.items()
        if (value := taken(f"{section}.{theirs}", to=(*_PARAMS, ours))) is not None
    }


def _choice(taken: Taken, name: str, known: Mapping[str, str], default: str) -> str:
    """Return our word for one of theirs; an unknown one is noted and the default taken."""
    value = str(taken(f"{_LOSS}.{name}", default))
    if value not in known:
        taken.note(f"{_LOSS}.{name}", f"{value} is not known; known: {', '.join(known)}")
    return known.get(value, known[default])


def _aggregation(taken: Taken) -> Params:
    if taken.peek(f"{_LOSS}.loss_agg_mode") is None:
        return {}
    return {"aggregation": _choice(taken, "loss_agg_mode", _AGGREGATION, "token-mean")}


def _rec(taken: Taken) -> tuple[str, Params]:
    """REC, or RED-Weight and RED-Drop, which are REC with `weight: advantage`, `drop: balance`."""
    std = bool(taken(f"{_ADVANTAGE}.std_normalize", False))
    drop = taken(f"{_ADVANTAGE}.drop")
    temperature = taken(f"{_LOSS}.temp", 1.0)
    clip = str(taken.peek(f"{_LOSS}.clip_mode") or "none")
    if taken.peek(f"{_LOSS}.weight") == "advantage":
        taken(f"{_LOSS}.weight")
        _only_without_clip(taken, clip, "RED-Weight")
        return "red_weight", {
            "temperature": temperature,
            "std_normalise": "population" if std else "none",
        }
    if drop == "balance":
        _only_without_clip(taken, clip, "RED-Drop")
        return "red_drop", {"std_normalise": std}
    return "rec", _rec_params(taken, clip, std=std)


def _only_without_clip(taken: Taken, clip: str, name: str) -> None:
    taken(f"{_LOSS}.clip_mode")
    if clip != "none":
        taken.note(f"{_LOSS}.clip_mode", f"{name} does not clip here, {clip} is left out")


def _rec_params(taken: Taken, clip: str, *, std: bool) -> Params:
    ranges = {
        "epsilon_low": "clip_low",
        "epsilon_high": "clip_high",
        "epsilon_low_prime": "outer_low",
        "epsilon_high_prime": "outer_high",
        "regularizer_coef": "regulariser_coefficient",
    }
    params = {
        "std_normalise": "population" if std else "none",
        "weight": _choice(taken, "weight", _WEIGHT, "none"),
        "regulariser": _choice(taken, "regularizer", _REGULARISER, "none"),
        **_given(taken, _LOSS, ranges),
        **_aggregation(taken),
    }
    if clip == "gspo-one-side":
        taken(f"{_LOSS}.clip_mode")
        gspo = {"ratio_granularity": "length_normalised", "aggregation": "sequence_mean"}
        return {"clip": "one_side", **gspo, **params}
    return {"clip": _choice(taken, "clip_mode", _CLIP, "none"), **params}


def _std(taken: Taken) -> Params:
    found = _given(taken, _ADVANTAGE, {"std_threshold": "std_threshold"})
    if (epsilon := taken(f"{_ADVANTAGE}.epsilon")) not in (None, 1e-6):
        taken.note(f"{_ADVANTAGE}.epsilon", f"{epsilon}: 1e-6 is added to deviations here")
    return {"std_normalise": "sample", **found}


def _ranges(taken: Taken) -> Params:
    both = taken(f"{_LOSS}.clip_range")
    given = _given(taken, _LOSS, {"clip_range_low": "clip_low", "clip_range_high": "clip_high"})
    return ({} if both is None else {"clip_low": both, "clip_high": both}) | given


def _grpo(taken: Taken) -> tuple[str, Params]:
    dual = taken(f"{_LOSS}.clip_ratio_c", 3.0)
    return "grpo", {**_ranges(taken), "dual_clip": dual, **_std(taken), **_aggregation(taken)}


def _ppo(taken: Taken) -> tuple[str, Params]:
    dual = taken(f"{_LOSS}.clip_ratio_c", 3.0)
    taken.note("algorithm.algorithm_type", "ppo without a critic here: the reward is the advantage")
    shape = {"ratio_granularity": "token", "aggregation": "token_mean"}
    return "ppo", {**_ranges(taken), "dual_clip": dual, **shape, **_aggregation(taken)}


def _opmd(taken: Taken) -> tuple[str, Params]:
    baseline = str(taken(f"{_ADVANTAGE}.opmd_baseline", "mean"))
    tau = taken(f"{_LOSS}.tau", 1.0)
    own = taken(f"{_ADVANTAGE}.tau", 1.0)
    if baseline != "mean" and own != tau:
        taken.note(f"{_ADVANTAGE}.tau", f"loss and baseline share one temperature here, {tau}")
    names = {"mean": "mean", "logavgexp": "log_mean_exp"}
    params = {"form": "simple", "temperature": tau, "baseline": names.get(baseline, baseline)}
    return "opmd", params


def _asymre(taken: Taken) -> tuple[str, Params]:
    if tau := taken(f"{_LOSS}.tau", 1.0):
        taken.note(f"{_LOSS}.tau", f"{tau} divides the loss by {1 + tau:g} there, not here")
    return "asymre", _given(taken, _ADVANTAGE, {"baseline_shift": "baseline_shift"})


def _sppo(taken: Taken) -> tuple[str, Params]:
    return "sppo", _given(taken, _LOSS, {"epsilon": "clip"})


def _topr(taken: Taken) -> tuple[str, Params]:
    if taken(f"{_LOSS}.advantage_threshold", 0.0):
        taken.note(f"{_LOSS}.advantage_threshold", "set the baseline instead")
    return "topr", {"ratio_granularity": "token"}


def _cispo(taken: Taken) -> tuple[str, Params]:
    return "cispo", {**_ranges(taken), **_std(taken), **_aggregation(taken)}


def _gspo(taken: Taken) -> tuple[str, Params]:
    return "gspo", {**_ranges(taken), **_std(taken), **_aggregation(taken)}


def _sapo(taken: Taken) -> tuple[str, Params]:
    names = {"tau_pos": "temperature_positive", "tau_neg": "temperature_negative"}
    shape = {"aggregation": "token_mean"}
    return "sapo", {**_given(taken, _LOSS, names), **_std(taken), **shape, **_aggregation(taken)}


def _m2po(taken: Taken) -> tuple[str, Params]:
    names = {"m2_threshold": "second_moment_max"}
    return "m2po", {**_given(taken, _LOSS, names), **_std(taken)}


def _rloo(taken: Taken) -> tuple[str, Params]:
    clip = taken(f"{_LOSS}.clip_range", 0.2, to=(*_PARAMS, "clip"))
    return "rloo", {"clip": clip, "aggregation": "token_mean"}


def _plain(algorithm: str) -> Callable[[Taken], tuple[str, Params]]:
    """Return the translation of an algorithm without arguments."""
    return lambda _: (algorithm, {})


def _dpo(taken: Taken) -> tuple[str, Params]:
    return "dpo", _given(taken, "algorithm.kl_loss_fn_args", {"kl_coef": "beta"})


_KINDS: Mapping[str, Callable[[Taken], tuple[str, Params]]] = {
    "rec": _rec,
    "grpo": _grpo,
    "ppo": _ppo,
    "opmd": _opmd,
    "asymre": _asymre,
    "sppo": _sppo,
    "topr": _topr,
    "cispo": _cispo,
    "gspo": _gspo,
    "sapo": _sapo,
    "m2po": _m2po,
    "rloo": _rloo,
    "reinforce": _plain("reinforce"),
    "sft": _plain("sft"),
    "dpo": _dpo,
}
