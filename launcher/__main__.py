"""The command line: `python -m launcher services`."""

import signal
import sys

from launcher.errors import LauncherError
from launcher.folder import lab_var
from launcher.services import running


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with running(lab_var()) as services:
            for name, value in services.environment.items():
                print(f"export {name}={value}", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
