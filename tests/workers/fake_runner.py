"""A package `workers` whose runner does what a test says."""

import shutil
from pathlib import Path

from workers import guard

FAKE = """
import os, sys
HEARTBEAT_VARIABLE = "LAB_HEARTBEAT_FD"
def main(*_):
    exec({code!r}, {{}})
    return 0
def leave(status):
    sys.stdout.flush()
    os._exit(status)
if __name__ == "__main__":
    leave(main())
"""


def write_fake_runner(folder: Path, code: str) -> None:
    """Write what starts a runner, forked or afresh, and a runner that executes this code."""
    package = folder / "workers"
    package.mkdir(exist_ok=True)
    for name in ("__init__", "fork_server", "guard", "messages"):
        if not (package / f"{name}.py").exists():
            shutil.copy(Path(guard.__file__).with_name(f"{name}.py"), package)
    runner = package / "runner.py"
    text = FAKE.format(code=code)
    # An unchanged file keeps its time: a change of code ends the process that runners come from.
    if not runner.exists() or runner.read_text() != text:
        runner.write_text(text)
