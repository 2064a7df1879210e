"""Failures: each is a failed request in Locust's table, with a text of one line."""

import logging
from collections import defaultdict
from weakref import WeakKeyDictionary

import gevent
from locust.env import Environment
from locust.exception import CatchResponseError, RescheduleTask

from wirerace.errors import BadAnswer
from wirerace.wire.frames import FrameError

MOST_REASONS = 20
"""The limit of different failures in one row: Locust keeps each text for good, and a server may send any text."""

logger = logging.getLogger(__name__)
_GIVEN_UP: "WeakKeyDictionary[Environment, float]" = WeakKeyDictionary()
"""When the test began that was given up last."""
_REASONS: "WeakKeyDictionary[Environment, defaultdict[tuple[str, str], set[str]]]" = WeakKeyDictionary()


class RequestFailed(RescheduleTask):
    """Something failed, and is in Locust's table already; `error` is the reason.

    Unless the task catches it, the task ends, and the next one comes after the user's `wait_time`.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class TooLate(Exception):
    """A time has passed in which something was to come. It is no OSError: what tries again after these must not."""


class ServerEnded(Exception):
    """The server has ended what it sends, in order."""


def give_up(environment: Environment, line: str) -> None:
    """End the test with one line, and Locust with an exit code: with these options no user can do anything.

    An exception would have a traceback of gevent, and Locust would exit with 0.
    """
    at = environment.stats.start_time
    if _GIVEN_UP.get(environment) != at:  # once a test: there may be thousands of users
        _GIVEN_UP[environment] = at
        logger.error(line)
        environment.process_exit_code = 2
        runner, options = environment.runner, environment.parsed_options
        if runner is not None:
            gevent.spawn(runner.quit if options is not None and options.headless else runner.stop)


def with_bytes(error: Exception) -> Exception:
    """Return an error whose text has the bytes that caused it, if a note of it shows them."""
    notes = getattr(error, "__notes__", ())
    if not notes:
        return error
    kind = BadAnswer if isinstance(error, FrameError) else type(error)
    return kind(f"{error}: {notes[0]}")


def as_exception(error: Exception | str) -> Exception:
    """Return the exception that stands for a failure in Locust's table."""
    return CatchResponseError(error) if isinstance(error, str) else with_bytes(error)


def limited(environment: Environment, kind: str, name: str, error: Exception) -> Exception:
    """Return an error, or one that says "other failures" if its row has enough different ones."""
    reasons = _REASONS.setdefault(environment, defaultdict(set))[kind, name]
    text = repr(error)
    if text not in reasons and len(reasons) >= MOST_REASONS:
        return CatchResponseError("other failures")
    reasons.add(text)
    return error
