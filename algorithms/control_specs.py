"""What each kind of job of the control laboratory is told."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from algorithms.base import Schema
from algorithms.control_models.dynamics import DynamicsParams
from algorithms.control_models.score import ScoreParams
from algorithms.environments.table import POINT_MASS
from algorithms.settings import ControlSettings


class TransitionsFile(Schema):
    """A file on the worker's disk, or the one that was uploaded."""

    source: Literal["file"] = "file"
    path: str = ""
    """File under one of the folders that the administrator allows; empty takes the input."""
    format: Literal["auto", "d4rl", "minari", "npz"] = "auto"
    """D4RL's HDF5, Minari's HDF5 or folder, or NPZ with D4RL's names; auto looks."""


class MinariSet(Schema):
    """A Minari data set by id, from the worker's local folder of Minari data sets."""

    source: Literal["minari"] = "minari"
    name: str = Field(min_length=1)
    """Id such as D4RL/pointmaze/umaze-v2, under the folder MINARI_DATASETS_PATH."""


TransitionsSource = TransitionsFile | MinariSet


class TransitionsSettings(Schema):
    """What is known of a data set of others."""

    environment: str = ""
    """Environment that they are of, such as Hopper-v5; empty where none of ours fits."""
    reference: str = ""
    """D4RL id such as hopper-medium-v2, for its reference returns; empty takes the file's name or
    what the environment has."""
    action_low: float | None = None
    """Smallest action; empty takes the environment's, else the data's own or -1."""
    action_high: float | None = None
    """Largest action, likewise."""
    episode_steps: int | None = Field(None, ge=1)
    """Steps after which an episode was cut, for data without time-outs; empty expects them."""


class TransitionsSpec(TransitionsSettings):
    """A `transitions` job: a data set of others, checked and in our layout."""

    source: Annotated[TransitionsSource, Field(discriminator="source")] = TransitionsFile()


BehaviourName = Literal[
    "random", "detour", "beeline", "swing_up", "waypoints", "policy", "policy_2", "policy_3"
]


class PartSettings(Schema):
    """How much a behaviour policy contributes, and how."""

    share: float = Field(1.0, gt=0)
    """Of the whole, relative to the other parts' shares."""
    noise: float = Field(0.0, ge=0, le=10)
    """Deviation of Gaussian noise on the actions, actions in [-1, 1]."""
    stochastic: bool = False
    """Draw actions from the policy, where it is a distribution."""
    replay: bool = False
    """Take the transitions that the policy's own training met, up to the stage, instead of playing
    it: medium-replay. It must have kept them; start and noise do not touch them."""


class Part(PartSettings):
    """What one behaviour policy contributes to a data set."""

    behaviour: BehaviourName = "random"
    """Uniform actions, a scripted controller, or a policy among the job's inputs."""
    stage: str = ""
    """Of a policy trained online: which of its stages; empty takes the last."""

    @model_validator(mode="after")
    def _replay_of_a_policy(self) -> "Part":
        if self.replay and not self.behaviour.startswith("policy"):
            raise ValueError("replay needs a policy as the behaviour: others kept no transitions")
        return self


class CollectSettings(Schema):
    """How much is collected, and how."""

    amount: int = Field(4_000, ge=1, le=100_000_000)
    """How much is collected."""
    unit: Literal["episodes", "steps"] = "episodes"
    """Of what."""
    start: Literal["both", "evaluation", "training"] = "both"
    """Where episodes of Risky PointMass begin: half of them in the corner that evaluations start
    from, all there, or all anywhere outside the danger zone."""
    parallel: int = Field(16, ge=1, le=1024)
    """Simulators side by side."""
    reference_episodes: int = Field(100, ge=1, le=100_000)
    """Episodes that each of the two reference returns is measured on."""
    hdf5: bool = Field(False, title="HDF5")
    """Write D4RL's HDF5 file as well."""
    seed: int = Field(0, ge=0)
    """Seed of starts, noise and drawn actions."""


class CollectSpec(CollectSettings):
    """A `collect` job: transitions of behaviour policies of graded skill in an environment."""

    environment: str = POINT_MASS
    """Which environment."""
    parts: tuple[Part, ...] = (Part(behaviour="detour", noise=0.15),)
    """The composition: behaviour policies and their shares."""


class TrainBehaviourSpec(Schema):
    """A `train_behaviour` job: SAC or TD3 learns online; stages of its skill are kept."""

    environment: str = "Pendulum-v1"
    """Which environment."""
    algorithm: Literal["sac", "td3"] = "sac"
    """Of Stable-Baselines3."""
    steps: int = Field(10_000, ge=100, le=100_000_000)
    """Environment steps."""
    stages: int = Field(4, ge=1, le=20)
    """Policies kept on the way, evenly spaced; the last one is called final."""
    evaluate_episodes: int = Field(10, ge=1, le=1000)
    """Episodes by which each stage's return is measured."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    """Of all networks."""
    hidden_size: int = Field(256, ge=8, le=4096)
    """Width of the two hidden layers."""
    keep_replay: bool = False
    """Keep the transitions that it meets, for medium-replay compositions: the last million."""
    seed: int = Field(0, ge=0)
    """Of weights, exploration and environment."""


class ImportPolicySpec(Schema):
    """A `control_policy` job: somebody else's policy, or a scripted one, in our layout."""

    source: Literal["scripted", "sb3", "torchscript", "onnx", "entry_point"] = "scripted"
    """A scripted controller, a .zip of Stable-Baselines3, a TorchScript or ONNX file, or a Python
    function that the administrator has allowed."""
    environment: str = POINT_MASS
    """Environment that it acts in."""
    controller: Literal["random", "detour", "beeline", "swing_up", "waypoints"] = "beeline"
    """scripted: which one."""
    path: str = ""
    """File under one of the folders that the administrator allows; empty takes the input."""
    normalisation: str = ""
    """sb3: the vecnormalize.pkl that the policy was trained with, likewise; empty takes that of the
    input, if there is one."""
    entry_point: str = ""
    """entry_point: the function, as package.module:function. It gets the environment's name and
    returns what turns observations [n, O] into actions [n, A]."""


class TrainControlSpec(Schema):
    """A `train_control` job: one algorithm learns a policy from transitions."""

    algorithm: str
    """File name of the algorithm, such as td3_bc."""
    params: Mapping[str, Any] = {}
    """Its hyperparameters, complete (defaults filled in)."""
    settings: ControlSettings = ControlSettings()
    """What every algorithm shares."""
    seed: int = Field(0, ge=0)
    """Seed of weights and batches; of the first policy where several learn side by side."""


class ModelSettings(Schema):
    """How CDSA's networks are trained."""

    steps: int = Field(12_000, ge=1, le=10_000_000)
    """Optimizer updates."""
    batch_size: int = Field(256, ge=1, le=65_536)
    """Rows per update."""
    held_out: float = Field(0.05, ge=0, lt=1)
    """Share of the transitions, whole episodes, that are kept out of training."""
    log_every: int = Field(500, ge=1)
    """Updates between two points of a curve."""
    checkpoint_every: int = Field(5_000, ge=1)
    """Updates between checkpoints that a killed run resumes from."""


class ScoreTraining(Schema):
    """The score network of a data set, and its training."""

    params: ScoreParams = ScoreParams()
    """The network."""
    settings: ModelSettings = ModelSettings()
    """Its training."""


class TrainScoreSpec(ScoreTraining):
    """A `train_score` job: the score network of a data set, for every policy trained on it."""

    seed: int = Field(0, ge=0)
    """Seed of weights and batches."""


class DynamicsTraining(Schema):
    """The inverse dynamics model of a data set, and its training."""

    params: DynamicsParams = DynamicsParams()
    """The networks."""
    settings: ModelSettings = ModelSettings(steps=6_000)
    """Their training."""


class TrainDynamicsSpec(DynamicsTraining):
    """A `train_inverse_dynamics` job: which action leads there, for every policy on the data."""

    seed: int = Field(0, ge=0)
    """Seed of weights and batches."""


class ControlEvaluation(Schema):
    """Which episodes are played, and how they are summed up: the same for every policy."""

    environment: str = ""
    """Which environment; empty takes the policy's."""
    episodes: int = Field(100, ge=1, le=100_000)
    """Episodes; equal seeds and purpose give every policy the same ones."""
    purpose: Literal["reporting", "tuning"] = "reporting"
    """What the figures are for. The two have no reset seed in common, so that settings chosen on
    one are judged on the other."""
    seed: int = Field(0, ge=0, lt=100_000)
    """Which block of reset seeds."""
    stochastic: bool = False
    """Draw actions, where the policy is a distribution."""
    noise: float = Field(0.0, ge=0, le=10)
    """Deviation of Gaussian noise on the policy's actions, before the correction."""
    ood_level: float = Field(0.2, gt=0, le=100)
    """Noise level of the indicator of actions outside the data; with a score network only."""
    tail: float = Field(0.1, gt=0, le=1)
    """Share of worst episodes that VaR and CVaR are of (alpha)."""
    tail_convention: Literal["ceil", "floor"] = "ceil"
    """How many episodes the tail has: alpha n rounded up, or down (at least one)."""
    quantile_method: Literal["linear", "inverted_cdf"] = "linear"
    """How VaR is read off a sample."""
    parallel: int = Field(16, ge=1, le=10_000)
    """Simulators side by side; Risky PointMass always runs all episodes at once."""
    keep_trajectories: int = Field(8, ge=0, le=1000)
    """Episodes whose every step is kept, the first ones."""


class EvaluateControlSpec(ControlEvaluation):
    """An `evaluate_control` job: episodes of a policy, corrected or not, on given reset seeds."""

    policy_seed: int | None = Field(None, ge=0)
    """Of policies trained side by side: which one; empty takes the first."""
    stage: str = ""
    """Of a policy trained online: which stage; empty takes the last."""
    correction: str = ""
    """Name of a correction such as cdsa; empty corrects nothing."""
    correction_params: Mapping[str, Any] = {}
    """Its settings, complete."""

    @model_validator(mode="after")
    def _settings_of_a_correction(self) -> "EvaluateControlSpec":
        if self.correction_params and not self.correction:
            raise ValueError("correction_params need a correction")
        return self
