"""A channel: an open connection on which messages come. A task iterates over them, or receives one at a time."""

import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, NoReturn, Protocol, Self, TypeVar

from gevent import GreenletExit, Timeout, get_hub, getcurrent, sleep
from locust.env import Environment

from loadtests.connection import ClosedHere, Stamp
from loadtests.stamped.failures import RequestFailed, ServerEnded, TooLate, as_exception
from loadtests.stamped.received import StampedData
from wirerace.clock import now_ns
from wirerace.errors import ConnectionLost, WireraceError

Received = TypeVar("Received", bound=StampedData)
Opened = TypeVar("Opened", bound="OpenedConnection")
CONNECT, RECEIVE, SEND = "connect", "receive", "send"
"""What stands in the column where Locust has GET: for the connection of a channel, and for what fails on it later."""


class OpenedConnection(Protocol):
    """A connection on which the server has agreed to send. `opened_ns` and `sent_ns` are Unix nanoseconds."""

    opened_ns: int
    sent_ns: int

    @property
    def stamp(self) -> Stamp:
        """When what was last received had arrived, and was read."""

    def close(self) -> None:
        """Close at once."""


class ChannelUser(Protocol):
    """What a channel knows of its user."""

    environment: Environment
    timeout: float
    channels: "set[OpenChannel[Any]]"

    @property
    def is_stopping(self) -> bool:
        """Tell whether Locust waits for its task to end."""

    def fire(self, kind: str, name: str, took_ns: int, *, size_bytes: int = 0, error: Exception | None = None) -> None:
        """Report one request to Locust."""


class WaitIsOver(Exception):
    """A wait for messages has lasted as long as it may; opening a connection, which may be a part of it, has not."""


class StopListening(Exception):
    """Locust lets the user's task end: what iterates over messages ends."""


class OpenChannel(Generic[Received]):
    """One connection of a user. It is closed at the end of a `with`, and at the latest when the user stops.

    `connected_ns` is when the server's answer had arrived, Unix nanoseconds.
    """

    def __init__(self, user: ChannelUser, name: str) -> None:
        self.name = name
        self.connected_ns = 0
        self._user = user
        self._pending: deque[Received] = deque()
        self._listener: Any = None  # the greenlet that iterates and waits
        self._is_open = False

    @abstractmethod
    def _receive(self) -> Iterable[Received]:
        """Wait, and return what one read brings, which may be nothing.

        Raises ServerEnded when the server has ended in order, OSError or WireraceError when the connection breaks.
        """

    @abstractmethod
    def _abort(self) -> None:
        """Close the connection at once."""

    def _leave(self) -> None:
        """Say goodbye, if the protocol has one, and wait for that of the server."""

    def _opened(self, open_connection: Callable[[], Opened]) -> Opened:
        """Return the connection that a function opens, and report how long that took, or why it failed."""
        user, began_ns = self._user, now_ns()
        try:
            with Timeout(user.timeout, TooLate(f"no answer within {user.timeout:g} s")):
                connection = open_connection()
        except (OSError, WireraceError, TooLate) as error:
            self._fail(CONNECT, error, began_ns)
        self.connected_ns = connection.stamp.arrival_ns
        try:
            user.fire(CONNECT, self.name, self.connected_ns - began_ns)
        except BaseException:  # A listener may end the task.
            connection.close()
            raise
        self._is_open = True
        user.channels.add(self)
        return connection

    def __iter__(self) -> Iterator[Received]:
        return self.messages()

    def messages(self, *, timeout: float | None = None, duration: float | None = None) -> Iterator[Received]:
        """Yield what comes until the server ends in order, the user stops, or `duration` seconds have passed.

        If the connection breaks, or nothing comes for `timeout` seconds, that is reported, and RequestFailed is raised.
        """
        until = None if duration is None else time.monotonic() + duration
        pending = self._pending
        while pending or self._more(timeout, until):
            while pending:
                yield pending.popleft()

    def receive(self, *, timeout: float | None = None) -> Received:
        """Wait for one message, for `timeout` seconds, by default the user's, and return it.

        If none comes, that is reported, and RequestFailed is raised.
        """
        seconds = self._user.timeout if timeout is None else timeout
        began_ns, until = now_ns(), time.monotonic() + seconds
        while not self._pending:
            if not self._is_open:
                self._fail(RECEIVE, ConnectionLost("the connection is closed"), began_ns)
            try:
                self._pending.extend(self._within(until - time.monotonic()))
            except WaitIsOver:
                self._fail(RECEIVE, TooLate(f"no message within {seconds:g} s"), began_ns)
            except (OSError, WireraceError, ServerEnded) as error:
                self._fail(RECEIVE, error, began_ns)
        return self._pending.popleft()

    def _more(self, timeout: float | None, until: float | None) -> bool:
        """Wait for more messages, as one that iterates; return False at the end."""
        left = None if until is None else until - time.monotonic()
        if not self._is_open or self._user.is_stopping or (left is not None and left <= 0):
            sleep(0)  # A task that iterates again and again must not keep all other users waiting.
            return False
        is_last_wait = left is not None and (timeout is None or left <= timeout)
        began_ns, self._listener = now_ns(), getcurrent()
        try:
            self._pending.extend(self._within(left if is_last_wait else timeout))
        except WaitIsOver:
            if not is_last_wait:
                self._fail(RECEIVE, TooLate(f"no message for {timeout:g} s"), began_ns)
            return False
        except (StopListening, ClosedHere):
            return False
        except ServerEnded:
            self.abort()
            return False
        except (OSError, WireraceError) as error:
            self._fail(RECEIVE, error, began_ns)
        finally:
            self._listener = None
        return True

    def _within(self, seconds: float | None) -> Iterable[Received]:
        if seconds is None:
            return self._receive()
        with Timeout(max(0.0, seconds), WaitIsOver):
            return self._receive()

    def stop_listening(self) -> None:
        """End an iteration that waits, because the user is to stop."""
        if self._listener is not None:
            get_hub().loop.run_callback(self._interrupt)

    def _interrupt(self) -> None:
        if self._listener is not None:
            self._listener.throw(StopListening())

    def _fail(self, kind: str, error: Exception, began_ns: int) -> NoReturn:
        """Report a failure, close the connection and end the task."""
        self.abort()
        shown = as_exception(error)
        self._user.fire(kind, self.name, now_ns() - began_ns, error=shown)
        raise RequestFailed(shown) from None

    def abort(self) -> None:
        """Close the connection at once."""
        self._user.channels.discard(self)
        self._hang_up()

    def _hang_up(self) -> None:
        if self._is_open:
            self._is_open = False
            self._abort()

    def close(self, *, timeout: float | None = None) -> None:
        """Close the connection in order. The server has `timeout` seconds, by default the user's, for its goodbye."""
        try:
            if self._is_open:
                with Timeout(self._user.timeout if timeout is None else timeout, False):
                    self._leave()
        finally:
            self.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_killed = kind is not None and issubclass(kind, GreenletExit)
        self.close(timeout=0.0 if is_killed else None)
