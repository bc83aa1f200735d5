"""ALGORITHMS: every algorithm found in `algorithms/llm/`, the plugin folder and entry points.

CONTROL_ALGORITHMS and CORRECTIONS: those of `algorithms/control/`.
"""

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType

from algorithms import control, llm
from algorithms.base import LLMAlgorithm
from algorithms.control_base import ControlAlgorithm, CorrectionAlgorithm
from algorithms.plugins import plugin_files

ENTRY_POINT_GROUP = "offpolicy_lab.algorithms"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _builtin() -> Iterator[tuple[str, ModuleType]]:
    for module in pkgutil.iter_modules(llm.__path__):
        yield module.name, importlib.import_module(f"{llm.__name__}.{module.name}")


def _load_file(path: Path) -> ModuleType:
    name = f"offpolicy_lab_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file that can be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _plugins() -> Iterator[tuple[str, ModuleType]]:
    for path in plugin_files():
        yield path.stem, _load_file(path)


def _installed() -> Iterator[tuple[str, ModuleType]]:
    for point in entry_points(group=ENTRY_POINT_GROUP):
        yield point.name, point.load()


def load() -> Mapping[str, LLMAlgorithm]:
    """Return all algorithms by name.

    Raises:
        ImportError: a file has no ALGORITHM, a name is taken, or is not a short lower-case word.
    """
    found: dict[str, LLMAlgorithm] = {}
    for source in (_builtin(), _plugins(), _installed()):
        for name, module in source:
            algorithm = getattr(module, "ALGORITHM", None)
            if not isinstance(algorithm, LLMAlgorithm):
                raise ImportError(f"algorithm {name}: {module!r} defines no ALGORITHM")  # noqa: TRY004
            if not _NAME.fullmatch(name):
                raise ImportError(f"algorithm {name!r}: use lower-case letters, digits and _")
            if name in found:
                raise ImportError(f"algorithm {name} is defined twice; rename the plugin file")
            found[name] = algorithm
    return MappingProxyType(found)


ALGORITHMS: Mapping[str, LLMAlgorithm] = load()


def load_control() -> tuple[Mapping[str, ControlAlgorithm], Mapping[str, CorrectionAlgorithm]]:
    """Return the algorithms and the corrections of `algorithms/control/`, by name.

    Raises:
        ImportError: a file has no ALGORITHM.
    """
    policies: dict[str, ControlAlgorithm] = {}
    corrections: dict[str, CorrectionAlgorithm] = {}
    for module in pkgutil.iter_modules(control.__path__):
        found = importlib.import_module(f"{control.__name__}.{module.name}")
        algorithm = getattr(found, "ALGORITHM", None)
        if isinstance(algorithm, ControlAlgorithm):
            policies[module.name] = algorithm
        elif isinstance(algorithm, CorrectionAlgorithm):
            corrections[module.name] = algorithm
        else:
            raise ImportError(f"algorithm {module.name}: {found!r} defines no ALGORITHM")  # noqa: TRY004
    return MappingProxyType(policies), MappingProxyType(corrections)


CONTROL_ALGORITHMS, CORRECTIONS = load_control()
