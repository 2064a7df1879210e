"""Pages of other origins, in a browser: what they may open and read."""

from wirerace.checking.clients.client import expect_status
from wirerace.checking.promise import ASKING, CHUNKED, SOCKETS, promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import NotOffered, Unkept
from wirerace.wire.update import CURSOR_HEADER

SECTION = "Requests: A page in a browser"
FOREIGN = "http://page.example"


@promise("foreign-page", "A page of another origin opens no WebSocket: 403.", SECTION, on=SOCKETS, needs=())
async def foreign_page(scene: Scene) -> None:
    """A page of the server's own origin does, and so does a program, which sends no Origin."""
    expect_status(await scene.ask_head(scene.request("", f"Origin: {FOREIGN}")), 403)
    expect_status(await scene.ask_head(scene.request("", f"Origin: {scene.address.url}")), 101)


@promise(
    "cors",
    "A page of an allowed origin may read answers, with their cursor.",
    SECTION,
    on=(*ASKING, *CHUNKED),
    needs=(),
    optional=True,
)
async def cors(scene: Scene) -> None:
    """Which origins are allowed is the server's own business: we ask as a page of its own, and of another origin."""
    hold = "hold=0" if scene.transport.asks else ""
    for origin in (scene.address.url, FOREIGN):
        head = await scene.ask_head(scene.request(hold, f"Origin: {origin}"))
        allowed = head.headers.get("access-control-allow-origin")
        if allowed is None:
            continue
        if allowed not in {origin, "*"}:
            raise Unkept(f"Access-Control-Allow-Origin: {origin}", allowed, head.seen)
        exposed = head.headers.get("access-control-expose-headers", "").lower()
        if CURSOR_HEADER.lower() not in exposed:
            raise Unkept(f"Access-Control-Expose-Headers: {CURSOR_HEADER}", exposed or "none", head.seen)
        return
    raise NotOffered("no answer to a page has Access-Control-Allow-Origin")
