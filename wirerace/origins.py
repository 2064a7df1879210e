"""Origins: which pages of a browser may change something, by the headers that every browser sends.

A page of any site can have its reader's browser send requests to services on the reader's own machine. It cannot forge
`Origin`, `Host` and `Sec-Fetch-Site`. A program that is no browser sends none but `Host`, and may do everything.
"""

import ipaddress
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from wirerace.errors import BadInput, WireraceError, shown

ANY = "*"
OF_NO_OTHER_PAGE = {"none", "same-origin"}
"""Values of Sec-Fetch-Site that no other site's page can bring about; "none" is an address that a person typed."""
LOCAL_DOMAINS = (".localhost", ".local", ".internal")
"""Names below these cannot be had by a site, so that none can be made to mean this machine."""


class Foreign(WireraceError):
    """A page of another origin asks for something that only our own may have."""


class _Place(NamedTuple):
    """Host and port as an origin spells them, and the host alone; both are empty where a text is no origin."""

    host_port: str
    host: str


def parse_origins(text: str) -> frozenset[str]:
    """Return the origins in a list separated by commas: `https://app.example.org`, `null`, or `*` for any.

    Raises BadInput when one is none.
    """
    origins = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    for origin in origins - {ANY, "null"}:
        scheme, _, rest = origin.partition("://")
        if scheme not in {"http", "https"} or not rest or _place_of(origin).host_port != rest:
            raise BadInput(f"an origin is http://HOST:PORT, null, or {ANY} for any, got {shown(origin)}")
    return origins


def check_origin(header: Callable[[str], str | None], allowed: frozenset[str]) -> None:
    """Check that a request comes from no foreign page.

    Raises Foreign for an `Origin` that is neither at the request's own `Host` nor allowed, and for a request of another
    site's page without one, such as an image's.
    """
    origin, site = header("Origin"), header("Sec-Fetch-Site")
    if ANY in allowed:
        return
    if origin is not None:
        origin = origin.lower()
        if origin not in allowed and (not (own := header("Host")) or _place_of(origin).host_port != own.lower()):
            raise Foreign(f"pages of {shown(origin)} may not do this; allow them with --allowed-origins")
    elif site is not None and site not in OF_NO_OTHER_PAGE:
        raise Foreign("pages of other sites may not do this; allow them with --allowed-origins")


def check_host(host: str, allowed: frozenset[str]) -> None:
    """Check that a request's `Host` is no site's name: such a name can be made to mean this machine (DNS rebinding).

    Raises Foreign unless it is an address, a name without a dot, one that no site can have, or an allowed origin's.
    """
    name = _place_of(f"//{host}").host.rstrip(".")
    if ANY in allowed or "." not in name or name.endswith(LOCAL_DOMAINS) or is_address(name):
        return
    if name not in {_place_of(origin).host for origin in allowed}:
        raise Foreign(f"any site may have the name {shown(name)}; allow it with --allowed-origins http://{name}")


def _place_of(origin: str) -> _Place:
    try:
        parts = urlsplit(origin)
        return _Place(parts.netloc, parts.hostname or "")
    except ValueError:
        return _Place("", "")


def is_address(name: str) -> bool:
    """Tell whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
