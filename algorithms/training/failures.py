"""How a process of several ended, as text: what it returned, or what it raised."""

import traceback
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch.distributed as dist

from algorithms.base import (
    CorruptArtifactError,
    NonFiniteLossError,
    Stopped,
    Summary,
    UserError,
)

Kind = Literal["done", "stopped", "user", "corrupt", "non finite", "memory", "other", "left alone"]
"""`left alone`: it failed because another one had."""

_TALKING_TEXTS = ("gloo", "NCCL", "c10d", "Connection closed by peer", "Connection reset by peer")


class RankError(RuntimeError):
    """A process of several failed; the message holds its traceback."""


@dataclass(frozen=True)
class Told:
    """The last words of a process."""

    kind: Kind
    text: str = ""
    detail: str = ""
    """Traceback."""
    step: int = 0
    quantity: str = ""
    summary: Summary = field(default_factory=dict)

    @classmethod
    def of(cls, error: BaseException) -> "Told":
        """Return what an exception comes to."""
        detail = "".join(traceback.format_exception(error))
        kind: Kind
        match error:
            case NonFiniteLossError():
                return cls("non finite", str(error), detail, error.step, error.quantity)
            case Stopped():
                kind = "stopped"
            case CorruptArtifactError():
                kind = "corrupt"
            case UserError():
                kind = "user"
            case MemoryError():
                kind = "memory"
            case _:
                kind = "left alone" if _is_about_talking(error) else "other"
        return cls(kind, str(error), detail)

    def error(self) -> Exception:
        """Return the exception to raise where the processes were started."""
        match self.kind:
            case "stopped":
                return Stopped(self.text)
            case "user":
                return UserError(self.text)
            case "corrupt":
                return CorruptArtifactError(self.text)
            case "non finite":
                return NonFiniteLossError(self.step, self.quantity)
            case "memory":
                return MemoryError(self.text)
            case _:
                return RankError(f"{self.text}\n{self.detail}")

    def message(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"end": asdict(self)}


def _is_about_talking(error: BaseException) -> bool:
    """Whether an error says that another process cannot be reached."""
    if isinstance(error, dist.DistError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _TALKING_TEXTS)
