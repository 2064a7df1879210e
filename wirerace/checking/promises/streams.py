"""Answers without end: their head, their chunks, and the requests that are refused."""

from wirerace.checking.clients.client import expect_status
from wirerace.checking.promise import CHUNKED, FEED, TIME, promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept

HEARTBEAT_SECONDS = 15.0
SECTION = "Requests: Event streams"


@promise(
    "content-type", "The answer is 200, of the transport's Content-Type, and no cache keeps it.", "Requests", on=CHUNKED
)
async def content_type(scene: Scene) -> None:
    """A parameter such as a charset may follow."""
    client = await scene.subscribe()
    headers, wanted = client.first.headers, scene.clients.Client.kind
    if headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        raise Unkept(f"Content-Type: {wanted}", headers.get("content-type", "none"), client.first.seen)
    if "no-store" not in headers.get("cache-control", "") and "no-cache" not in headers.get("cache-control", ""):
        raise Unkept("Cache-Control: no-store", headers.get("cache-control", "none"), client.first.seen)


@promise("chunked", "The answer is chunked, and has no end.", "Requests", on=CHUNKED)
async def chunked(scene: Scene) -> None:
    """Without chunks a client could not tell an end from a broken connection."""
    client = await scene.subscribe()
    headers = client.first.headers
    if not client.first.is_chunked or "content-length" in headers:
        raise Unkept("Transfer-Encoding: chunked", headers.get("transfer-encoding", "none"), client.first.seen)
    await scene.expect(client, scene.make(3))


@promise("accept", "An Accept that excludes the type gets 406.", SECTION, on=CHUNKED, needs=())
async def accept(scene: Scene) -> None:
    """Others are served: */*, lists, and a request without one."""
    kind = scene.clients.Client.kind
    cases = {"text/html": 406, f"{kind};q=0": 406, "*/*": 200, f"text/html, {kind};q=0.5": 200}
    for value, status in cases.items():
        head = await scene.ask_head(scene.spelled(scene.transport.path, f"Accept: {value}"))
        if head.status != status:
            raise Unkept(f"{status} for Accept: {value}", f"{head.status}", head.seen)


@promise("head", "HEAD gets 405.", SECTION, on=CHUNKED, needs=())
async def head(scene: Scene) -> None:
    """An answer without end has no head of its own to show."""
    answer = await scene.ask(scene.request(method="HEAD"))
    expect_status(answer, 405)
    if "GET" not in answer.headers.get("allow", ""):
        raise Unkept("Allow: GET", answer.headers.get("allow", "none"), answer.seen)


@promise("http-1.0", "HTTP/1.0 gets the same content without chunks, or 400.", SECTION, on=CHUNKED, needs=())
async def http_1_0(scene: Scene) -> None:
    """A proxy of another age would keep the heads of chunks among the updates."""
    answer = await scene.ask_head(scene.request(version="1.0"))
    if answer.status != 400:
        expect_status(answer, 200)
        if "chunked" in answer.headers.get("transfer-encoding", ""):
            raise Unkept("no Transfer-Encoding", "chunked", answer.seen)


@promise("lines", "Each line is one update.", "Requests", on=("stream",))
async def lines(scene: Scene) -> None:
    """Data with line breaks is one line."""
    client = await scene.subscribe()
    await scene.expect(client, scene.feed.make("one\ntwo", "three\r\nfour", "\u2028"))
    found = [line for line in bytes(client.body).split(b"\n") if line.strip()]
    if len(found) != len(client.receipts):
        raise Unkept("a line for each update", f"{len(found)} lines for {len(client.receipts)}", bytes(client.body))


@promise(
    "heartbeat",
    "A heartbeat every 15 s keeps a quiet connection open.",
    SECTION,
    on=CHUNKED,
    needs=(FEED, TIME),
    seconds=HEARTBEAT_SECONDS + 5,
)
async def heartbeat(scene: Scene) -> None:
    """A comment in an event stream, an empty line in the other."""
    client = await scene.subscribe()
    await scene.expect(client, scene.make())
    client.body.clear()
    await client.receive(1, HEARTBEAT_SECONDS + scene.seconds)
    beat = scene.clients.Client.heartbeat
    if not bytes(client.body).startswith(beat):
        raise Unkept(f"a line that begins with {beat!r}", "none", bytes(client.body), is_silent=not client.body)
