"""What a client is whose connection is open, and one that updates are pushed to, whatever carries them."""

from typing import Protocol

from loadtests.connection import MessagesTaker, Stamp
from wirerace.wire.update import Cursor


class OpenedClient(Protocol):
    """A client whose connection is open: when it was, and its TLS, and when its request had left, Unix nanoseconds.

    `secured_ns` is 0 without TLS, and both are if others had opened the connection.
    """

    opened_ns: int
    secured_ns: int
    sent_ns: int


class PushClient(Protocol):
    """A subscription on which updates come. `cursor` is that of the server's answer.

    `connects` counts the connections that opened for it. `opened_ns` is when the last of them was open, 0 if there was
    none, `secured_ns` when its TLS was established, and `sent_ns` when the request had left, Unix nanoseconds.
    """

    connects: int
    cursor: Cursor
    opened_ns: int
    secured_ns: int
    sent_ns: int

    @property
    def stamp(self) -> Stamp:
        """When what was last received had arrived, and was read."""

    @property
    def is_cut(self) -> bool:
        """Tell whether the last read ended inside an update, whose part the stamp is of."""

    def receive(self, take: MessagesTaker = ...) -> list[bytes]:
        """Wait for updates and return all that one read brought: at least one.

        What `take` takes of them, in the hub, is not returned.
        """

    def leave(self) -> None:
        """Say goodbye as the protocol wants it, and wait until the server has closed."""

    def close(self) -> None:
        """Close at once."""
