"""Control policies small enough for tests."""

from algorithms.control_specs import TrainBehaviourSpec
from webapp.accounts.models import User
from webapp.policies.control.services import behaviour_train
from webapp.policies.models import Policy


def behaviour_policy(owner: User, name: str = "Learner", *, keep_replay: bool = False) -> Policy:
    """Return a TD3 policy for the pendulum that is to be trained for 400 steps."""
    spec = TrainBehaviourSpec(
        algorithm="td3", steps=400, stages=2, evaluate_episodes=1, hidden_size=16,
        keep_replay=keep_replay,
    )  # fmt: skip
    return behaviour_train(owner=owner, name=name, spec=spec)
