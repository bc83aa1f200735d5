"""How a process of ours is started: it dies with the launcher, and leaves root where it must."""

import os
import pwd
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from launcher.errors import LauncherError

SERVICE_USER = "nobody"
CAPABILITIES = {2: "dac_read_search", 1: "dac_override"}
"""Bit and name of the rights to pass through closed folders, the smaller one first."""
CAP_SETPCAP = 8


def is_root() -> bool:
    """Whether this process runs as root."""
    return os.geteuid() == 0


def service_ids() -> tuple[int, int]:
    """Return user and group id of the user that PostgreSQL runs as when we are root."""
    entry = pwd.getpwnam(SERVICE_USER)
    return entry.pw_uid, entry.pw_gid


def wrapped(
    argv: Sequence[str], *, on_parent_death: signal.Signals, leave_root: bool = False
) -> list[str]:
    """Return the command line that gets a signal when the launcher dies, and is not root if asked.

    `setpriv` is part of util-linux, so of every common Linux. Where it is missing (macOS) a killed
    launcher leaves its processes behind, and the next start ends them.

    Raises:
        LauncherError: Root was to be left and there is no setpriv.
    """
    setpriv = shutil.which("setpriv")
    must_leave_root = leave_root and is_root()
    if setpriv is None:
        if must_leave_root:
            raise LauncherError(
                "PostgreSQL refuses to run as root and `setpriv` (package util-linux) is missing: "
                "install it, or start as an ordinary user."
            )
        return list(argv)
    options = [f"--pdeathsig={on_parent_death.name}"]
    if must_leave_root:
        user, group = service_ids()
        options += [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
        options += _capability_options()
    return [setpriv, *options, "--", *argv]


def _capability_options() -> list[str]:
    """Return the options that keep no right of root but that of passing through closed folders.

    The data folder or the virtual environment may lie in root's own home, which nobody else may
    enter; opening that home to everyone would be worse.
    """
    status = Path("/proc/self/status").read_text().splitlines()
    held = int(next(line for line in status if line.startswith("CapPrm:")).split()[1], 16)
    kept = next((f",+{name}" for bit, name in CAPABILITIES.items() if held >> bit & 1), "")
    # Without this bit access(2), by which initdb looks for its companions, forgets the kept right.
    bits = ["--securebits=+no_setuid_fixup"] if held >> CAP_SETPCAP & 1 else []
    return [*bits, f"--inh-caps=-all{kept}", f"--ambient-caps=-all{kept}"]
