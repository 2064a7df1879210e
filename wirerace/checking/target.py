"""The address of the server under test: whether it can be reached, and speaks HTTP without a password."""

import asyncio
import ssl

from wirerace.addresses import HostPort, host_port_in, spelled
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept
from wirerace.errors import BadInput, shown

EXAMPLE = "http://127.0.0.1:9000"
PASSWORD = {401: "asks for a password", 407: "asks for a password of a proxy"}
REDIRECTS = {301, 302, 303, 307, 308}
BAD_REQUEST, UNAVAILABLE = 400, 503
TLS_ALERT = b"\x15\x03"


def address_in(url: str) -> HostPort:
    """Return the address in a URL. Raises BadInput when it is none."""
    host, port = host_port_in(url, ("http",), EXAMPLE)
    return HostPort(host, port or 80)


async def look_at(scene: Scene) -> None:
    """Ask for updates once. Raises BadInput when this is no server that can be checked, and says why.

    A server that does not answer is none of these: each promise says so.
    """
    place = f"http://{spelled(scene.address.host, scene.address.port or 80)}"
    try:
        answer = await scene.ask_head(scene.request("hold=0" if scene.transport.asks else ""))
    except Unkept as unkept:
        if unkept.is_silent and not unkept.seen:
            return
        if unkept.seen.startswith(TLS_ALERT) or (not unkept.seen and await _speaks_tls(scene.address)):
            raise BadInput(f"{place} speaks TLS, which is not supported yet: name a port without it") from None
        if not unkept.seen:
            raise BadInput(
                f"{place} closes the connection without an answer: is it the port of an HTTP server?"
            ) from None
        if not unkept.seen.startswith(b"HTTP/"):
            raise BadInput(f"{place} speaks no HTTP: it sends {shown(unkept.seen)}") from None
        return
    finally:
        scene.tidy()
    if answer.status in PASSWORD:
        raise BadInput(f"{place} {PASSWORD[answer.status]} (status {answer.status}): name a server that needs none")
    if answer.status in REDIRECTS:
        where = shown(answer.headers.get("location", "nowhere"))
        raise BadInput(f"{place}{scene.transport.path} redirects to {where}: name the server that answers itself")
    if answer.status == UNAVAILABLE and not scene.has_feed:
        raise BadInput(f"{place}{scene.transport.path} answers 503: start it with a producer, or leave out --no-feed")
    if answer.status == BAD_REQUEST and await _speaks_tls(scene.address):
        raise BadInput(f"{place} speaks TLS, which is not supported yet: name a port without it")


async def _speaks_tls(address: HostPort) -> bool:
    """Return whether a handshake of TLS succeeds."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(2.0):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True
