"""Waiting for a database that is away for a moment."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 2.0

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)


def never() -> bool:
    """Return False: keep waiting."""
    return False


def until_answered(action: Callable[[], Answer], give_up: Callable[[], bool] = never) -> Answer:
    """Return what the action returns, repeating it while the database does not answer.

    The action must be safe to repeat after an answer that was lost.

    Raises:
        OperationalError: The database was away when `give_up` turned true.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return action()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            if give_up():
                raise
            logger.warning("The database does not answer (%s); trying again.", error)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
