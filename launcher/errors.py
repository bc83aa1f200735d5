"""What the launcher says when it cannot go on."""


class LauncherError(Exception):
    """One line for the person at the terminal: what happened, to what, and what to do."""
