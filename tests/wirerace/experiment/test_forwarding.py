"""What reverse proxies do to transports: what is refused, and what is said before a run."""

import msgspec
import pytest

from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.experiment.contestants import shorthand
from wirerace.experiment.forwarding import check_forwarding, idle_seconds_of, notes_on
from wirerace.experiment.paths import NetworkPath
from wirerace.transports import TRANSPORTS
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.transport import TransportOptions


def notes(transport: str, path: NetworkPath, options: TransportOptions | None = None) -> list[str]:
    return notes_on(shorthand(transport, options or TRANSPORTS[transport].options(), path))


@pytest.mark.parametrize("transport", ["sse", "stream"])
@pytest.mark.parametrize("compression", ["gzip", "br"])
def test_compressed_stream_that_nginx_buffers_is_refused(transport: str, compression: str) -> None:
    path = NetworkPath(proxy="nginx", compression=compression)  # type: ignore[arg-type]
    options = TRANSPORTS[transport].options()
    with pytest.raises(BadInput) as refusal:
        check_forwarding(shorthand(transport, options, path))

    assert [] == lacking(str(refusal.value), f"the path of {transport}", ['settings = "tuned"', "compression"])
    for fine in (msgspec.structs.replace(path, settings="tuned"), msgspec.structs.replace(path, compression="off")):
        check_forwarding(shorthand(transport, options, fine))


@pytest.mark.parametrize("transport", ["polling", "longpolling", "websocket"])
def test_answers_with_an_end_and_frames_may_be_compressed_or_not(transport: str) -> None:
    check_forwarding(
        shorthand(transport, TRANSPORTS[transport].options(), NetworkPath(proxy="nginx", compression="gzip"))
    )


def test_compression_that_does_nothing_for_a_websocket_is_said() -> None:
    path = NetworkPath(proxy="nginx", settings="tuned", compression="gzip")

    (note,) = notes("websocket", path)
    assert ("websocket", "websocket.deflate") == ("websocket" * ("path of websocket" in note), note[-17:])
    assert [] == [*notes("sse", path), *notes("polling", path)]


@pytest.mark.parametrize(
    ("proxy", "settings", "hold_seconds", "is_said"),
    [
        ("nginx", "default", 25, False),
        ("nginx", "default", 60, True),
        ("nginx", "tuned", 60, False),
        ("haproxy", "default", 50, True),
        ("haproxy", "default", 49, False),
        ("haproxy", "tuned", 90, False),
        ("caddy", "default", 90, False),
        ("none", "default", 90, False),
    ],
)
def test_hold_that_a_proxy_ends_is_said(proxy: str, settings: str, hold_seconds: float, *, is_said: bool) -> None:
    path = NetworkPath(proxy=proxy, settings=settings)  # type: ignore[arg-type]
    found = notes("longpolling", path, LongPollingOptions(hold_seconds=hold_seconds, repoll_delay_seconds=100))

    assert is_said == any("504" in note and f"{hold_seconds:g} s" in note for note in found)
    assert idle_seconds_of(path) in {0, 50, 60}
