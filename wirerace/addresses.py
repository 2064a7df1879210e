"""Addresses that people give: hosts that can be looked up, URLs of servers."""

from typing import NamedTuple
from urllib.parse import urlsplit

from wirerace.errors import BadInput, shown

NO_PARTS = urlsplit("")


class HostPort(NamedTuple):
    """A host and a port; `port` is None if the URL has none."""

    host: str
    port: int | None


def is_host(name: str) -> bool:
    """Return whether a name can be looked up. For other names Python raises UnicodeError instead of OSError."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return bool(name) and name.isprintable() and " " not in name


def host_port_in(url: str, schemes: tuple[str, ...], example: str) -> HostPort:
    """Return the host and the port in a URL.

    Raises BadInput when the URL is not an address of a server.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = NO_PARTS, None
    host = parts.hostname or ""
    if parts.scheme in {"https", "wss"} and parts.scheme not in schemes:
        raise BadInput(f"TLS is not supported yet: write {schemes[0]}://, got {shown(url)}")
    if parts.scheme not in schemes or not is_host(host) or port == 0:
        raise BadInput(f"a host is a URL such as {example}, got {shown(url)}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadInput(f"a host is a URL without a path, a query or a user, such as {example}, got {shown(url)}")
    return HostPort(host, port)


def spelled(host: str, port: int) -> str:
    """Return host and port as they stand in a URL: an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
