"""Origins: which web pages may change something, by the headers that every browser sends.

A page of any site can make its reader's browser send requests to services on the reader's own machine. It cannot forge
`Origin`, `Host` and `Sec-Fetch-Site`. A program that is no browser sends only `Host` of these, and may do everything.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from wirerace.errors import BadInput, WireraceError, cut, shown

ANY = "*"
OF_NO_OTHER_PAGE = {"none", "same-origin"}
"""Values of Sec-Fetch-Site that no other site's page can cause; "none" is an address that a person typed."""
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
LOCAL_DOMAINS = (".localhost", ".local", ".internal")
"""Top-level names under which no site can register a name, so no site's name can point to this machine."""

_ORIGIN = re.compile(r"https?://([0-9a-z._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


class Foreign(WireraceError):
    """A page of another origin asks for something that only our own pages may do."""


class _Place(NamedTuple):
    """Host and port as a browser spells them in an origin, and the host alone; empty if a text is no origin."""

    host_port: str
    host: str


def parse_origins(text: str) -> frozenset[str]:
    """Return the origins in a list separated by commas: `https://app.example.org`, `null`, or `*` for any.

    Raises BadInput when one is not an origin.
    """
    return frozenset(_parse_origin(part.strip().lower()) for part in text.split(",") if part.strip())


def _parse_origin(text: str) -> str:
    """Return an origin as browsers send it: without the scheme's own port."""
    if text in {ANY, "null"}:
        return text
    origin = text.removesuffix(DEFAULT_PORTS.get(text.partition("://")[0], ""))
    if _ORIGIN.fullmatch(origin) is None or not _place_of(origin).host:
        raise BadInput(f"an origin is http://HOST:PORT, null, or {ANY} for any, got {shown(text)}")
    return origin


def check_page(header: Callable[[str], str | None], allowed: frozenset[str]) -> None:
    """Check that a request comes from no foreign page. A program sends neither `Origin` nor `Sec-Fetch-Site`.

    Raises Foreign for an `Origin` that is neither at the request's own `Host` nor allowed, and for a request of another
    site's page without an `Origin`, such as an image's. Raises it also for a page at a `Host` that any site may have,
    because such a name can be made to point to this machine (DNS rebinding).
    """
    origin, site, host = (header(name) for name in ("Origin", "Sec-Fetch-Site", "Host"))
    if ANY in allowed or (origin is None and site is None) or (origin or "").lower() in allowed:
        return
    own = (host or "").lower()
    is_own = site in OF_NO_OTHER_PAGE if origin is None else own and _place_of(origin.lower()).host_port == own
    if not is_own:
        whose = "other sites" if origin is None else shown(origin)
        raise Foreign(f"pages of {whose} may not do this; allow them with --allowed-origins")
    check_host(own, allowed)


def check_host(host: str, allowed: frozenset[str]) -> None:
    """Raise Foreign unless a host is an address, a name without a dot, a name that no site can have, or allowed."""
    name = _place_of(f"//{host}").host
    if name and ("." not in name or name.rstrip(".").endswith(LOCAL_DOMAINS) or is_address(name)):
        return
    if name not in {_place_of(origin).host for origin in allowed}:
        raise Foreign(f"any site may have the name {shown(host)}; allow it with --allowed-origins http://{cut(host)}")


def _place_of(origin: str) -> _Place:
    try:
        parts = urlsplit(origin)
        _ = parts.port  # raises ValueError if it is not a port
        return _Place(parts.netloc, parts.hostname or "")
    except ValueError:
        return _Place("", "")


def is_address(name: str) -> bool:
    """Return whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
