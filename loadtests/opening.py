"""Opening connections: with TLS where the address wants it."""

from loadtests.connection import Address, StampedConnection
from loadtests.tls import TlsConnection
from loadtests.traffic import Counters


def open_connection(
    address: Address, counters: Counters | None = None, alpn: tuple[str, ...] = ()
) -> StampedConnection:
    """Return a connection to a server; `alpn` are protocols that are offered with TLS, the best first.

    Raises OSError or ConnectionLost when there is none, and TlsFailed when TLS cannot be agreed on.
    """
    if address.tls is None:
        return StampedConnection(address, counters)
    return TlsConnection(address, address.tls, counters, alpn)
