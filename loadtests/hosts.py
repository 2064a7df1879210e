"""Hosts: the servers that may get load, and the meaning of Locust's single --host when each transport has its own."""

from collections.abc import Mapping
from typing import Any

from locust.env import Environment

from loadtests.connection import Address
from loadtests.user import SubscriberUser
from wirerace.errors import BadInput, shown
from wirerace.options import flag_of
from wirerace.transports import TRANSPORTS

ANY = "*"
HOSTS = tuple(f"{name}_host" for name in TRANSPORTS)


def apply_host(environment: Environment) -> None:
    """Take --host as the server of the one transport whose users were named.

    Raises BadInput when there are several, or when the transport's own option names another server.
    """
    options: Any = environment.parsed_options
    if not options.host or options.host == SubscriberUser.host:
        return
    names = {user.transport.name for user in environment.user_classes if issubclass(user, SubscriberUser)}
    if not names:
        return  # users from another locustfile
    if len(names) > 1:
        flags = ", ".join(flag_of(name) for name in HOSTS)
        raise BadInput(f"--host names one server, and each transport has its own: name one user class, or give {flags}")
    name = f"{names.pop()}_host"
    own, default = getattr(options, name), f"http://127.0.0.1:{TRANSPORTS[name.removesuffix('_host')].port}"
    if own not in {default, options.host}:
        raise BadInput(f"--host {shown(options.host)} and {flag_of(name)} {shown(own)} name two servers: leave one out")
    setattr(options, name, options.host)
    if all(issubclass(user, SubscriberUser) for user in environment.user_classes):
        environment.host = None  # the option has it now, and every process reads that


def parse_hosts(text: str) -> frozenset[str] | None:
    """Return the origins of the servers in a list separated by commas; None for `*`, which means any.

    Raises BadInput when one is not an address.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if ANY in parts:
        return None
    try:
        return frozenset(Address.parse(part).origin for part in parts)
    except BadInput as error:
        raise BadInput(f"--allowed-hosts: {error}") from None


def hosts_in(given: Mapping[str, Any]) -> frozenset[str]:
    """Return the origins of the servers of all transports.

    Raises BadInput, naming the flag, when one is not an address.
    """
    found = set()
    for name in HOSTS:
        try:
            found.add(Address.parse(given[name]).origin)
        except BadInput as error:
            raise BadInput(f"{flag_of(name)}: {error}") from None
    return frozenset(found)
