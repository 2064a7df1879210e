"""The server under test: whether its certificate fits, and it speaks HTTP without a password."""

import asyncio
import ssl

from wirerace.checking.address import CheckedAddress
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept
from wirerace.errors import BadInput, shown
from wirerace.tls import cure_of, refusal_of

PASSWORD = {401: "asks for a password", 407: "asks for a password of a proxy"}
REDIRECTS = {301, 302, 303, 307, 308}
BAD_REQUEST, UNAVAILABLE = 400, 503
TLS_ALERT = b"\x15\x03"
AUTHORITY = "--authority-file"
TLS_SECONDS = 2.0


async def look_at(scene: Scene) -> None:
    """Ask for updates once. Raises BadInput when this is no server that can be checked, and says why.

    A server that does not answer is none of these: each promise says so.
    """
    place = scene.address.url
    await _check_tls(scene.address)
    try:
        answer = await scene.ask_head(scene.request("hold=0" if scene.transport.asks else ""))
    except Unkept as unkept:
        if unkept.is_silent and not unkept.seen:
            return
        if unkept.seen.startswith(TLS_ALERT) or (not unkept.seen and await _wants_tls(scene.address)):
            raise BadInput(f"{place} speaks TLS: write https://") from None
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
    if answer.status == BAD_REQUEST and await _wants_tls(scene.address):
        raise BadInput(f"{place} speaks TLS: write https://")


async def _check_tls(address: CheckedAddress) -> None:
    """Raise BadInput, with the cure, when a server that should speak TLS has no certificate that fits, or none."""
    if address.tls is None:
        return
    try:
        await _shake_hands(address, address.tls)
    except ssl.SSLError as error:
        raise BadInput(f"{address.url}: {refusal_of(error)}: {cure_of(error, AUTHORITY)}") from None
    except ConnectionResetError:
        raise BadInput(f"{address.url} closes the connection in the TLS handshake: is it http://?") from None
    except (OSError, TimeoutError):  # each promise says that it does not answer
        return


async def _wants_tls(address: CheckedAddress) -> bool:
    """Return whether a server without TLS in its URL speaks it."""
    if address.tls is not None:
        return False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        await _shake_hands(address, context)
    except (OSError, TimeoutError):
        return False
    return True


async def _shake_hands(address: CheckedAddress, context: ssl.SSLContext) -> None:
    """Raise OSError when there is no TLS with a server, TimeoutError when it takes too long."""
    async with asyncio.timeout(TLS_SECONDS):
        _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    writer.transport.abort()
