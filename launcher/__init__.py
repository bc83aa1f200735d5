"""Starts Offpolicy Lab on one machine: database, broker, web server and workers."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts it by hand gets a sentence
    sys.exit("Python 3.11 or newer is needed: start with `make`, which finds one.")
