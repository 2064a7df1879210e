"""Stopping: Ctrl-C, SIGTERM and SIGHUP raise one exception, once, but never between a start and the note of it."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Windows has no SIGHUP."""
LOST_SECONDS = 1.0
"""After that time an exception that was not seen counts as lost: Python drops exceptions raised in a destructor."""


class Stopped(BaseException):
    """This process must end. `code` is its exit code: 128 + the signal's number, the shells' convention."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.strsignal(number))
        self.code = 128 + number


class _Stop:
    """The stop of this process: which signal asked for it, whether it waits, and whether it is in progress."""

    def __init__(self) -> None:
        self.wholes = 0
        self.reset()

    def reset(self) -> None:
        """Forget an earlier stop."""
        self.number: int | None = None
        self.waits = self.is_under_way = self.is_optional = False
        self._raised_at = 0.0

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: raise Stopped, unless a stop is in progress, which another signal must not disturb."""
        if self.is_optional and self.number is not None:
            self.is_optional = False
            self._raise(self.number)
        if self.number is not None and (self.wholes or self.is_under_way or not self._is_lost()):
            return
        self.number = number
        if self.wholes:
            self.waits = True
            return
        self._raise(number)

    def enter(self) -> None:
        """Begin a block that no signal interrupts. After a stop it is part of the cleaning up."""
        self.wholes += 1
        self.is_under_way = self.number is not None

    def leave(self) -> None:
        """End such a block, and raise a stop that has waited for it."""
        self.wholes -= 1
        if not self.wholes and self.waits and self.number is not None:
            self.waits = False
            self._raise(self.number)

    def _raise(self, number: int) -> None:
        self._raised_at = time.monotonic()
        raise Stopped(number)

    def _is_lost(self) -> bool:
        return time.monotonic() - self._raised_at >= LOST_SECONDS


_stop = _Stop()
"""The only one, because signals belong to the process."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise Stopped in this block at the first of the signals; later ones do not disturb the cleaning up.

    A signal that is ignored stays ignored, because `nohup` ignores SIGHUP on purpose. After a stop all of them are
    ignored, because only the exit is left.
    """
    _stop.reset()
    before = {number: signal.getsignal(number) for number in NUMBERS}
    handled = {number: handler for number, handler in before.items() if handler not in {None, signal.SIG_IGN}}
    try:
        for number in handled:
            signal.signal(number, _stop.take)
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler if _stop.number is None else signal.SIG_IGN)


@contextmanager
def optional() -> Iterator[None]:
    """Run a block after a stop and its cleaning up; the next signal ends it, and nothing else.

    The exit code is that of the first signal.
    """
    is_after = _stop.is_optional = _stop.number is not None
    try:
        yield
    except Stopped:
        if not is_after:
            raise
    finally:
        _stop.is_optional = False


@contextmanager
def whole() -> Iterator[None]:
    """Make a stop wait until this block has ended: it starts something and notes it, or removes everything."""
    _stop.enter()
    try:
        yield
    finally:
        _stop.leave()
