"""Everything that the gallery shows and a preset may set: algorithms of both families, corrections.

Names are file names; an algorithm of language models hides one for control of the same name.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from algorithms.base import LLMAlgorithm
from algorithms.catalogue import ALGORITHMS, CONTROL_ALGORITHMS, CORRECTIONS
from algorithms.control_base import ControlAlgorithm, CorrectionAlgorithm

Algorithm = LLMAlgorithm | ControlAlgorithm | CorrectionAlgorithm
KNOWN: Mapping[str, Algorithm] = MappingProxyType(
    {**CORRECTIONS, **CONTROL_ALGORITHMS, **ALGORITHMS}
)
"""By name."""
Kind = Literal["language", "control", "correction"]


def kind_of(algorithm: Algorithm) -> Kind:
    """Return what an algorithm works on."""
    match algorithm:
        case LLMAlgorithm():
            return "language"
        case ControlAlgorithm():
            return "control"
    return "correction"
