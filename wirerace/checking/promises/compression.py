"""WebSocket with permessage-deflate (RFC 7692), for servers that agree to it."""

from wirerace.checking.clients.websocket import MOST_MESSAGE_BYTES
from wirerace.checking.promise import SOCKETS, promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import NotOffered, Unkept
from wirerace.wire.deflate import MOST_WINDOW_BITS, Inflater, InflatingReader

NAME = "permessage-deflate"
SECTION = "Requests: Compression"
EXTENSIONS = "sec-websocket-extensions"


def offer(parameters: str = "") -> str:
    """Return the header that offers compression."""
    return f"Sec-WebSocket-Extensions: {NAME}{parameters}"


@promise(
    "deflate",
    "A client that offers permessage-deflate gets each update once, compressed.",
    SECTION,
    on=SOCKETS,
    optional=True,
)
async def deflate(scene: Scene) -> None:
    """Others get it plain."""
    client = scene.client(headers=offer("; client_max_window_bits"))
    agreed = (await client.subscribe()).headers.get(EXTENSIONS, "")
    if not agreed:
        raise NotOffered("the offer of permessage-deflate is not taken")
    if agreed.partition(";")[0].strip() != NAME:
        raise Unkept(NAME, agreed, client.first.seen)
    takes_over = "server_no_context_takeover" not in agreed
    inflater = Inflater(MOST_WINDOW_BITS, MOST_MESSAGE_BYTES, takes_over=takes_over)
    client.reader = InflatingReader(inflater, masked=False, max_message_bytes=MOST_MESSAGE_BYTES)
    plain = await scene.subscribe()
    updates = scene.make(5, 500)
    await scene.expect(client, updates)
    await scene.expect(plain, updates)


@promise(
    "deflate-declined",
    "An offer with a parameter that is unknown or given twice is declined, not refused.",
    SECTION,
    on=SOCKETS,
    optional=True,
)
async def declined(scene: Scene) -> None:
    """The client is served without compression."""
    probe = await scene.subscribe(headers=offer())
    if EXTENSIONS not in probe.first.headers:
        raise NotOffered("the offer of permessage-deflate is not taken")
    twice = "; server_no_context_takeover; server_no_context_takeover"
    for parameters in ("; unknown", twice, "; server_max_window_bits=7"):
        client = await scene.subscribe(headers=offer(parameters))
        if EXTENSIONS in client.first.headers:
            raise Unkept(f"no answer to the offer {NAME}{parameters}", client.first.headers[EXTENSIONS])
        await scene.expect(client, scene.make())
