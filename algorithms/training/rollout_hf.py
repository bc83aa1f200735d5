"""Completions by transformers with a KV cache: batched, seeded, independent of the batching."""

import copy
import dataclasses
from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import DynamicCache

from algorithms.asking import Sampling
from algorithms.base import UserError
from algorithms.training.logprobs import Precision
from algorithms.training.policy import Policy
from algorithms.training.requests import GREEDY, Completion, Request, check_lengths
from algorithms.training.sampling import Draws, choose
from algorithms.training.stops import Watch, readable

_KEEP_ABOVE = 0.75
"""Finished completions leave the batch once fewer than this share is unfinished."""
_TICK_TOKENS = 16
"""Tokens between two calls of `on_progress` within a batch."""


def complete(
    policy: Policy,
    requests: Sequence[Request],
    sampling: Sampling,
    *,
    seed: int,
    batch_size: int,
    precision: Precision = "float32",
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Completion]:
    """Return a completion for each request, in the same order.

    In float32, a completion depends on the weights, its prompt, its sample number and the seed,
    not on what else is asked, in which order, or in batches of which size; but for a draw that
    falls between two tokens to within rounding, about once in ten million.

    Args:
        precision: `bfloat16` samples from a rounded copy of the policy, which is not quite the
            policy that is trained: its own log-probabilities are then returned, too.
        on_progress: called now and then with the number of finished completions; may raise.

    Raises:
        UserError: prompt and completion do not fit the model, or its logits are not numbers.
    """
    check_lengths(policy, requests, sampling)
    rounded = precision == "bfloat16"
    if rounded:
        model = copy.deepcopy(policy.model).to(torch.bfloat16)
        policy = dataclasses.replace(policy, model=model)
    by_length = sorted(
        range(len(requests)),
        key=lambda i: (len(requests[i].tokens), requests[i].prompt_id, requests[i].sample),
    )
    results: dict[int, Completion] = {}
    for start in range(0, len(by_length), batch_size):
        chosen = by_length[start : start + batch_size]
        tick = partial(on_progress, start)
        with torch.inference_mode():
            batch = _Batch(policy, [requests[i] for i in chosen], sampling, seed)
            made = batch.run(tick, with_logprobs=rounded)
        results |= dict(zip(chosen, made, strict=True))
    on_progress(len(requests))
    return [results[i] for i in range(len(requests))]


class _Batch:
    """Completions made side by side; each distinct prompt is read once."""

    def __init__(
        self, policy: Policy, requests: Sequence[Request], sampling: Sampling, seed: int
    ) -> None:
        self._policy = policy
        self._requests = requests
        self._sampling = sampling
        self._draws = Draws(seed, [(r.prompt_id, r.sample) for r in requests])
        device = policy.device
        self._greedy = torch.tensor([r.sample == GREEDY for r in requests], device=device)
        self._rows = torch.arange(len(requests), device=device)  # who stands in which cache row
        self._written = torch.full((len(requests), sampling.max_new_tokens), -1, device=device)
        self._logprobs = torch.zeros(self._written.shape, device=device)
        self._ends = torch.tensor(sorted(policy.end_tokens), device=device)
        self._watch = Watch(policy, sampling.stop) if sampling.stop else None
        self._stopped: set[int] = set()  # requests whose completion has written a stop text
        self._cache = DynamicCache(config=policy.model.config)
        self._mask: Int[Tensor, "B T"] | None = None  # needed only where prompts are uneven

    def run(self, tick: Callable[[], None], *, with_logprobs: bool) -> list[Completion]:
        """Return the completions in the order of the requests."""
        logits = self._read_prompts()
        unfinished = torch.ones_like(self._greedy)
        for position in range(self._sampling.max_new_tokens):
            if position % _TICK_TOKENS == 0:
                tick()
            tokens = self._choose(logits, position)
            self._written[self._rows[unfinished], position] = tokens[unfinished]
            if with_logprobs:
                self._logprobs[self._rows, position] = _of(tokens, logits)
            unfinished = unfinished & ~torch.isin(tokens, self._ends)
            if self._watch is not None:
                unfinished &= ~self._at_stop_texts(self._watch, unfinished, position)
            left = int(unfinished.sum())
            if left == 0 or position + 1 == self._sampling.max_new_tokens:
                break
            if left < _KEEP_ABOVE * len(tokens):
                tokens = self._keep(unfinished, tokens)
                unfinished = torch.ones_like(tokens, dtype=torch.bool)
            logits = self._step(tokens)
        logprobs = self._logprobs.tolist() if with_logprobs else []
        return [
            self._completion(number, row, logprobs[number] if logprobs else None)
            for number, row in enumerate(self._written.tolist())
        ]

    def _at_stop_texts(
        self, watch: Watch, unfinished: Bool[Tensor, " B"], position: int
    ) -> Bool[Tensor, " B"]:
        """Return which unfinished completions have written a stop text with their last token."""
        ends = torch.zeros_like(unfinished)
        index = unfinished.nonzero().squeeze(-1)
        rows = self._rows[index]
        written = self._written[rows, max(0, position + 1 - watch.tail) : position + 1]
        for place, row, tokens in zip(index.tolist(), rows.tolist(), written.tolist(), strict=True):
            if watch.stops(tokens):
                ends[place] = True
                self._stopped.add(row)
        return ends

    def _read_prompts(self) -> Float[Tensor, "B V"]:
        prompts: dict[tuple[int, ...], int] = {}
        rows = [prompts.setdefault(tuple(r.tokens), len(prompts)) for r in self._requests]
        device = self._policy.device
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(p)) + list(p) for p in prompts], device=device)
        lengths = torch.tensor([len(p) for p in prompts], device=device)
        positions = None
        if bool((lengths < width).any()):
            column = torch.arange(width, device=device)
            self._mask = (column >= (width - lengths).unsqueeze(-1)).long()
            positions = (self._mask.cumsum(dim=-1) - 1).clamp(min=0)
        logits = self._forward(ids, positions)
        index = torch.tensor(rows, device=device)
        self._select(index)
        return logits[index]

    def _step(self, tokens: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        positions = None
        if self._mask is not None:
            positions = self._mask.sum(dim=-1, keepdim=True)
            self._mask = torch.cat([self._mask, torch.ones_like(positions)], dim=-1)
        return self._forward(tokens.unsqueeze(-1), positions)

    def _forward(
        self, ids: Int[Tensor, "B T"], positions: Int[Tensor, "B T"] | None
    ) -> Float[Tensor, "B V"]:
        logits: Float[Tensor, "B V"] = self._policy.model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        if bool(logits.isnan().any()):
            raise UserError(
                "The policy's output is not a number: its weights are broken. Choose another "
                "policy, or train this one again with a lower learning rate."
            )
        return logits.float()

    def _choose(self, logits: Float[Tensor, "B V"], position: int) -> Int[Tensor, " B"]:
        uniforms = torch.from_numpy(self._draws.at(position)).to(logits.device)
        return choose(
            logits,
            self._sampling,
            uniforms=uniforms[self._rows],
            greedy=self._greedy[self._rows],
        )

    def _keep(
        self, unfinished: Bool[Tensor, " B"], tokens: Int[Tensor, " B"]
    ) -> Int[Tensor, " left"]:
        index = unfinished.nonzero().squeeze(-1)
        self._select(index)
        self._rows = self._rows[index]
        return tokens[index]

    def _select(self, index: Int[Tensor, " left"]) -> None:
        self._cache.batch_select_indices(index)
        if self._mask is not None:
            self._mask = self._mask[index]

    def _completion(self, number: int, row: list[int], logprobs: list[float] | None) -> Completion:
        tokens = [token for token in row if token >= 0]
        ended = tokens[-1] in self._policy.end_tokens or number in self._stopped
        return Completion(
            tokens,
            "stop" if ended else "length",
            readable(self._policy, tokens, self._sampling.stop),
            None if logprobs is None else logprobs[: len(tokens)],
        )


def _of(tokens: Int[Tensor, " B"], logits: Float[Tensor, "B V"]) -> Float[Tensor, " B"]:
    """Return log mu of the tokens in nats."""
    chosen = logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    return chosen - logits.logsumexp(dim=-1)
