"""The groups of one update as a training set."""

from collections.abc import Sequence

import numpy as np
import torch

from algorithms.training.completions import Ragged, TrainingSet
from algorithms.training.online.buffer import Group


def training_set(groups: Sequence[Group]) -> TrainingSet:
    """Return groups as a training set; each is a prompt of its own, whatever it asks.

    Completions of one prompt that two versions of the policy wrote are not compared with each
    other: advantages are those of a group.
    """
    prompts = [group.prompt for group in groups for _ in group.completions]
    completions = [tokens for group in groups for tokens in group.completions]
    logprobs = [values for group in groups for values in group.logprobs]
    references = [values for group in groups for values in group.reference or ()]
    sizes = [len(group) for group in groups]
    return TrainingSet(
        prompts=Ragged.of(prompts, np.int32),
        completions=Ragged.of(completions, np.int32),
        behaviour_logprobs=Ragged.of(logprobs, np.float32),
        rewards=torch.tensor([reward for group in groups for reward in group.rewards]),
        prompt_index=torch.arange(len(groups)).repeat_interleave(torch.tensor(sizes)),
        truncated=np.array([cut for group in groups for cut in group.truncated], dtype=bool),
        reference_logprobs=Ragged.of(references, np.float32) if references else None,
    )
