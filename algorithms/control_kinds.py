"""The kinds of jobs of the control laboratory: specs, roles, code versions."""

from collections.abc import Mapping

from algorithms.control_derived_specs import KeepCheckpointSpec, LeaveOutSpec, RenderEpisodesSpec
from algorithms.control_specs import (
    CollectSpec,
    EvaluateControlSpec,
    ImportPolicySpec,
    TrainBehaviourSpec,
    TrainControlSpec,
    TrainDynamicsSpec,
    TrainScoreSpec,
    TransitionsSpec,
)
from algorithms.kind import Kind

CONTROL_KINDS: Mapping[str, Kind] = {
    "transitions": Kind(TransitionsSpec, version=1, optional_roles=("file",)),
    "train_behaviour": Kind(TrainBehaviourSpec, version=2),
    "control_policy": Kind(ImportPolicySpec, version=1, optional_roles=("file",)),
    "collect": Kind(CollectSpec, version=1, optional_roles=("policy", "policy_2", "policy_3")),
    "leave_out": Kind(LeaveOutSpec, version=1, roles=("transitions",)),
    "train_control": Kind(TrainControlSpec, version=2, roles=("transitions",)),
    "keep_checkpoint": Kind(KeepCheckpointSpec, version=1, roles=("transitions", "checkpoint")),
    "train_score": Kind(TrainScoreSpec, version=2, roles=("transitions",)),
    "train_inverse_dynamics": Kind(TrainDynamicsSpec, version=2, roles=("transitions",)),
    "evaluate_control": Kind(
        EvaluateControlSpec,
        version=1,
        roles=("policy",),
        optional_roles=("score", "state_score", "inverse_dynamics"),
    ),
    "render_episodes": Kind(
        RenderEpisodesSpec,
        version=1,
        roles=("policy",),
        optional_roles=("score", "state_score", "inverse_dynamics"),
    ),
}
