"""The course of an experiment in one test: its window is set before it begins, and its account is requested once."""

from wirerace.clock import NS_PER_SECOND, Clock, now_ns
from wirerace.errors import BadInput, WireraceError
from wirerace.observe.account import Window


class OutOfTurn(WireraceError):
    """A request comes too late, or for the second time."""


class Course:
    """What was requested of a test so far. It only keeps note of it."""

    def __init__(self, clock: Clock = now_ns) -> None:
        self._clock = clock
        self._window: Window | None = None
        self._is_closed = False

    def begin(self) -> None:
        """Forget everything: another test has started."""
        self._window, self._is_closed = None, False

    def check_window(self, window: Window) -> None:
        """Raise BadInput when a window cannot be measured, and OutOfTurn when it is too late to set one."""
        now = self._clock()
        if self._is_closed:
            raise OutOfTurn("the ledgers are closed: start another test")
        if self._window is not None and now >= self._window.from_ns:
            raise OutOfTurn("the window has begun, and cannot be changed any more: start another test")
        if window.from_ns >= window.to_ns:
            raise BadInput(f"from_ns must be before to_ns, got {window.from_ns} and {window.to_ns}")
        if window.from_ns <= now:
            past = f"{(now - window.from_ns) / NS_PER_SECOND:g} s ago"
            raise BadInput(f"from_ns must be in the future, Unix nanoseconds, got {window.from_ns}: {past}")

    def set_window(self, window: Window) -> None:
        """Note that a window was set."""
        self._window = window

    def close(self) -> None:
        """Note that the ledgers are being closed.

        Raises OutOfTurn when they are closed already.
        """
        if self._is_closed:
            raise OutOfTurn("the ledgers are closed: the first answer had the account")
        self._is_closed = True

    def reopen(self) -> None:
        """Note that the ledgers could not be closed, so that it may be tried again."""
        self._is_closed = False
