"""One token from logits: the shares of the unit interval are the probabilities."""

import numpy as np
import pytest
import torch

from algorithms.asking import Sampling
from algorithms.training.sampling import Draws, choose

PROBABILITIES = (0.4, 0.1, 0.3, 0.2)


def shares(sampling: Sampling, *, count: int = 10_000) -> list[float]:
    """Return how much of the unit interval each token takes."""
    logits = torch.tensor(PROBABILITIES).log().expand(count, -1)
    uniforms = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    tokens = choose(
        logits, sampling, uniforms=uniforms, greedy=torch.zeros(count, dtype=torch.bool)
    )
    return (torch.bincount(tokens, minlength=4) / count).tolist()


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(), [0.4, 0.1, 0.3, 0.2]),
        (Sampling(temperature=0.5), [0.16 / 0.3, 0.01 / 0.3, 0.09 / 0.3, 0.04 / 0.3]),
        (Sampling(top_k=2), [4 / 7, 0, 3 / 7, 0]),
        (Sampling(top_k=9), [0.4, 0.1, 0.3, 0.2]),
        (Sampling(top_p=0.65), [4 / 7, 0, 3 / 7, 0]),
        (Sampling(top_p=0.75), [4 / 9, 0, 3 / 9, 2 / 9]),
        (Sampling(top_p=0.01), [1, 0, 0, 0]),
        (Sampling(temperature=0.01), [1, 0, 0, 0]),
    ],
)
def test_tokens_are_drawn_with_the_probabilities_asked_for(
    sampling: Sampling, expected: list[float]
) -> None:
    assert shares(sampling) == pytest.approx(expected, abs=2e-4)


def test_a_token_of_probability_zero_is_never_drawn() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]]).expand(3, -1)
    uniforms = torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)
    tokens = choose(logits, Sampling(), uniforms=uniforms, greedy=torch.zeros(3, dtype=torch.bool))
    assert tokens.tolist() == [1, 1, 1]


def test_greedy_rows_take_the_likeliest_token_beside_sampled_ones() -> None:
    logits = torch.tensor(PROBABILITIES).log().expand(2, -1)
    uniforms = torch.tensor([0.99, 0.99], dtype=torch.float64)
    tokens = choose(logits, Sampling(), uniforms=uniforms, greedy=torch.tensor([True, False]))
    assert tokens.tolist() == [0, 3]


def test_draws_belong_to_their_name_and_position_beyond_the_first_block() -> None:
    both = Draws(0, [("a", 0), ("b", 1)])
    alone = Draws(0, [("b", 1)])
    for position in (0, 1, 63, 64, 65, 200):
        assert both.at(position)[1] == alone.at(position)[0]
    assert not np.allclose(Draws(0, [("a", 0)]).at(0), Draws(1, [("a", 0)]).at(0))
