"""What reverse proxies do to transports, as numbers that theory and plans need. docs/paths.md has all of them."""

from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.paths import NetworkPath, ReverseProxy, is_stream

IDLE_SECONDS: dict[tuple[ReverseProxy, str], float] = {("nginx", "default"): 60.0, ("haproxy", "default"): 50.0}
"""After how long without a byte from the server a request is answered with 504, and a stream is closed.

nginx: proxy_read_timeout. HAProxy: timeout server, in Debian's haproxy.cfg; a WebSocket ends so, too. Caddy has none.
"""


def check_forwarding(contestant: Contestant) -> None:
    """Raise BadInput, with the cure, when a contestant's updates could not come through its reverse proxy in any time.

    What nginx buffers and compresses comes when its compressor has enough: not one of 170 updates did.
    """
    path = contestant.path
    if is_stream(contestant.transport) and path.held_by_proxy_bytes and path.compression != "off":
        raise BadInput(
            f"the path of {contestant.id}: {path.proxy} at its defaults holds back a stream that it compresses, "
            'without a bound: take settings = "tuned", or leave compression out'
        )


def notes_on(contestant: Contestant) -> list[str]:
    """Return what a contestant's reverse proxy will do to it that one may not expect, a line each."""
    path, options = contestant.path, contestant.options
    notes = []
    if path.compression != "off" and contestant.transport.name == "websocket":
        notes.append(
            f"compression of the path of {contestant.id} does nothing: frames of a WebSocket pass as they are, "
            "and have a compression of their own, websocket.deflate"
        )
    idle_seconds, hold_seconds = idle_seconds_of(path), options.answer_seconds - options.pause_seconds
    if contestant.transport.way == "held" and idle_seconds and hold_seconds >= idle_seconds:
        notes.append(
            f"{path.proxy} with {path.settings} settings answers a request that is held for {idle_seconds:g} s with "
            f"504, and {contestant.id} is held for up to {hold_seconds:g} s"
        )
    return notes


def idle_seconds_of(path: NetworkPath) -> float:
    """Return after how long without a byte a path's reverse proxy closes; 0 for hours, or never."""
    return IDLE_SECONDS.get((path.proxy, path.settings), 0.0)
