"""A policy spread over the processes of a training by FSDP2: weights, gradients, optimizer."""

from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from transformers.modeling_layers import GradientCheckpointingLayer

from algorithms.training.distributed import Ranks
from algorithms.training.logprobs import divide


def shard(model: Any, ranks: Ranks) -> None:
    """Leave each process with its part of every weight of a model that all of them hold.

    Blocks are put together when they compute and taken apart behind it; what is outside of them
    (embeddings, last layer) stays together from the forward to the end of the backward pass.

    Weights travel and gradients are summed in float32, whatever the precision: `bfloat16` is a
    matter of autocast, as in one process, which keeps norms and the residual stream in float32.
    A policy of FSDP's own that casts whole blocks would train on other numbers. Gradients are
    summed, not averaged: each process holds its share of the gradient of one mean.

    The model computes log-probabilities from now on and nothing else; see `whole.Twin`.
    """
    divide(model, ranks)
    mesh = init_device_mesh(torch.device(model.device).type, (ranks.size,))
    precision = MixedPrecisionPolicy(reduce_dtype=torch.float32)
    blocks = [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]
    for part in (*blocks, model):
        fully_shard(part, mesh=mesh, mp_policy=precision)
    for part in model.modules():
        if isinstance(part, FSDPModule):
            part.set_gradient_divide_factor(1.0)
            part.set_force_sum_reduction_for_comms(True)
