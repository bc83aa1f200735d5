"""log pi per completion token: the one function that generation and training both use.

The same weights give a token the same bits in batches of any size and make-up (see `layout`), so
that log pi equals the stored log mu exactly before the first update.
"""

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from algorithms.base import UserError
from algorithms.settings import LLMSettings
from algorithms.training import lean_norms, packed_attention
from algorithms.training.distributed import Ranks
from algorithms.training.layout import Layout, Pass, idle_pass, passes
from algorithms.training.linear_logprobs import linear_logprobs
from algorithms.training.sequences import Sequences, pad, pad_values
from algorithms.training.understanding import attends_to_everything, head_of, trial_of

__all__ = ["Packing", "Precision", "Sequences", "TokenFigures", "divide", "pad", "pad_values"]
__all__ += ["logprobs_as_set", "token_figures", "token_logprobs"]

Precision = Literal["float32", "bfloat16"]
Packing = Literal["auto", "packed", "padded"]

_PACKS: WeakKeyDictionary[torch.nn.Module, bool] = WeakKeyDictionary()
"""Whether a model takes packed rows, once it was tried."""
_DIVIDED: WeakKeyDictionary[torch.nn.Module, Ranks] = WeakKeyDictionary()
"""Who computes together, for models that are spread over processes."""


@dataclass(frozen=True)
class TokenFigures:
    """What a policy says of each completion token; 0 where the mask is False."""

    logprobs: Float[Tensor, "B T"]
    """log pi in nats and float32, with gradient."""
    entropy: Float[Tensor, "B T"] | None
    """Entropy of pi at that token in nats, without gradient, where it was asked for."""


def token_logprobs(
    model: torch.nn.Module,
    sequences: Sequences,
    *,
    precision: Precision = "float32",
    packing: Packing = "auto",
    share_prompts: bool = False,
) -> Float[Tensor, "B T"]:
    """Return log pi(y_t | x, y_<t) in nats and float32, with gradient; 0 where masked out.

    Untempered, over the whole vocabulary. See `token_figures` for the arguments.
    """
    figures = token_figures(
        model, sequences, precision=precision, packing=packing, share_prompts=share_prompts
    )
    return figures.logprobs


def logprobs_as_set(
    model: torch.nn.Module, sequences: Sequences, settings: LLMSettings
) -> Float[Tensor, "B T"]:
    """Return `token_logprobs` as a training's settings say."""
    return token_logprobs(
        model,
        sequences,
        precision=settings.precision,
        packing=settings.packing,
        share_prompts=settings.share_prompts,
    )


def token_figures(
    model: torch.nn.Module,
    sequences: Sequences,
    *,
    precision: Precision = "float32",
    packing: Packing = "auto",
    share_prompts: bool = False,
    entropy: bool = False,
) -> TokenFigures:
    """Return log pi of each completion token and, on request, the entropy of pi there.

    Args:
        precision: `bfloat16` computes the network in mixed precision; logarithms stay in float32.
        packing: `auto` packs where the model's attention allows it.
        share_prompts: compute a prompt once for all completions of it among the sequences.

    Raises:
        UserError: packing or sharing was asked of a model that cannot, or the model makes its
            logits in a way that is not known here.
    """
    layout = _layout(model, packing, share_prompts=share_prompts)
    return _figures(model, sequences, layout, precision=precision, entropy=entropy)


def _layout(model: torch.nn.Module, packing: Packing, *, share_prompts: bool) -> Layout:
    if model not in _PACKS:
        _PACKS[model] = _tried(model)
    packs = _PACKS[model]
    if not packs and (share_prompts or packing == "packed"):
        asked = "shared prompts" if share_prompts else "packed sequences"
        raise UserError(
            f"The attention of this {model.config.model_type} model does not take {asked}. "  # type: ignore[union-attr]
            'Set packing to "auto" and share_prompts to no.'
        )
    if share_prompts:
        return "shared"
    return "packed" if packs and packing != "padded" else "padded"


@torch.no_grad()
def _tried(model: Any) -> bool:
    """Return whether a model takes packed rows.

    Raises:
        UserError: even padded rows give other log-probabilities than the model's own.
    """
    trial = trial_of(model)
    lean_norms.install(model)
    rows = (trial.first, trial.second)
    sequences = pad([row[:1] for row in rows], [row[1:] for row in rows])
    sequences = sequences.to(trial.expected.device)

    def passed(layout: Layout) -> bool:
        found = _figures(model, sequences, layout, precision="float32", entropy=False)
        return trial.agrees(found.logprobs[sequences.mask])

    if not passed("padded"):
        raise UserError(
            f"The learner does not know how a {model.config.model_type} model makes its logits: "
            "its own log-probabilities and those computed from its hidden states differ. "
            "Choose a policy of another architecture."
        )
    if not attends_to_everything(model):
        return False
    packed_attention.install(model)
    return packed_attention.is_installed(model) and passed("packed")


@dataclass(frozen=True)
class _Work:
    """What a model computes at once."""

    passes: list[Pass]
    precision: Precision
    entropy: bool


def divide(model: Any, ranks: Ranks) -> None:
    """Prepare a model whose weights are about to be spread over processes.

    What puts weights together does so when the model is called: so the whole computation, last
    layer included, becomes its forward pass, and generation with it is over. All processes then
    compute equally often, those without sequences (`Sequences` of none) by idle passes.
    """
    _layout(model, "auto", share_prompts=False)  # tried while the model is whole
    _DIVIDED[model] = ranks
    model.forward = partial(_predict, model)


def _figures(
    model: Any, sequences: Sequences, layout: Layout, *, precision: Precision, entropy: bool
) -> TokenFigures:
    mask = sequences.mask
    made = list(passes(sequences, layout, mask.device))
    if ranks := _DIVIDED.get(model):
        made += [idle_pass(layout, mask.device)] * (ranks.most(len(made)) - len(made))
        logprobs, spread = model(_Work(made, precision, entropy))
    else:
        logprobs, spread = _predict(model, _Work(made, precision, entropy))
    places = torch.cat([one.places for one in made])
    empty = logprobs.new_zeros(mask.numel())
    return TokenFigures(
        empty.index_put((places,), logprobs).view(mask.shape),
        None if spread is None else empty.index_put((places,), spread).view(mask.shape),
    )


def _predict(model: Any, work: _Work) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"] | None]:
    """Return log pi and entropy of the tokens that the passes predict, pass after pass."""
    made = work.passes
    rounded = work.precision == "bfloat16"
    compute = torch.bfloat16 if rounded else torch.float32
    # Rounded copies of weights that are elsewhere again would keep them here.
    cached = model not in _DIVIDED
    with (
        torch.autocast(made[0].ids.device.type, dtype=compute, cache_enabled=cached)
        if rounded
        else contextlib.nullcontext()
    ):
        hidden = torch.cat([_hidden(model, one) for one in made])
    targets = torch.cat([one.targets for one in made])
    return linear_logprobs(hidden, targets, head_of(model), compute=compute, entropy=work.entropy)


def _hidden(model: Any, one: Pass) -> Float[Tensor, "n D"]:
    """Return the last hidden states of the positions that predict something."""
    states: Tensor = model.get_decoder()(
        input_ids=one.ids, attention_mask=one.plan, position_ids=one.positions, use_cache=False
    ).last_hidden_state
    return states.flatten(0, 1)[one.predictors]
