"""Where the server under test listens, and the TLS that its clients speak."""

import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

from wirerace.addresses import host_port_in, spelled
from wirerace.tls import context_of

EXAMPLE = "http://127.0.0.1:9000"
SECURE = ("https", "wss")
ALPN = ("http/1.1",)


class CheckedAddress(NamedTuple):
    """Host and port of the server under test, and the TLS that its clients speak, if they do."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    @property
    def host_port(self) -> str:
        """Host and port as they stand in a URL."""
        return spelled(self.host, self.port)

    @property
    def url(self) -> str:
        """Its URL, which is the origin of its own pages."""
        return f"{'http' if self.tls is None else 'https'}://{self.host_port}"


def address_in(url: str, authority: str = "") -> CheckedAddress:
    """Return the address in an http://, ws://, https:// or wss:// URL; the last two mean TLS.

    Clients trust the authority, certificates as PEM; without one those of the system. Raises BadInput when the URL is
    no address.
    """
    host, port = host_port_in(url, ("http", "ws", *SECURE), EXAMPLE)
    if urlsplit(url).scheme in SECURE:
        return CheckedAddress(host, port or 443, context_of(authority, ALPN))
    return CheckedAddress(host, port or 80)
