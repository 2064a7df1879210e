"""WebSockets on streams of HTTP/2 (RFC 8441)."""

import pytest
from h2.settings import SettingCodes

from loadtests.http2_client import Http2Client
from loadtests.http2_pool import Seat
from loadtests.http2_ws import Http2WebSocketClient
from tests.loadtests.http2_server import CURSOR, Exchange, StartHttp2, pool_of, wait_for
from wirerace.errors import ConnectionLost, Refused
from wirerace.wire.deflate import Deflater
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, Opcode, encode_close, encode_frame
from wirerace.wire.update import Cursor

pytestmark = pytest.mark.usefixtures("in_time")
ABLE = {SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
SHARED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"


def upgrade(exchange: Exchange) -> None:
    if exchange.headers[":method"] != "CONNECT":
        exchange.answer(b"polled")
        return
    exchange.head(200, CURSOR)
    exchange.hold()


def sent_in(exchange: Exchange) -> list[tuple[Opcode, bytes]]:
    """Return the messages that a client has sent so far."""
    reader = FrameReader(masked=True, max_message_bytes=1_000_000)
    return [(message.opcode, message.payload) for message in reader.feed(exchange.body)]


@pytest.mark.long
def test_websockets_and_polls_share_a_connection(http2: StartHttp2) -> None:
    server = http2(upgrade, settings=ABLE)
    pool = pool_of(server)
    first, second = (Http2WebSocketClient(Seat(pool), "/ws?after=e-1") for _ in range(2))
    headers = server.requests[0].headers
    wanted = {":method": "CONNECT", ":protocol": "websocket", ":path": "/ws?after=e-1", "sec-websocket-version": "13"}

    assert wanted.items() <= headers.items()
    assert first.cursor == Cursor("e", 7)
    server.requests[0].data(encode_frame(Opcode.TEXT, b"for one"))
    server.requests[1].data(encode_frame(Opcode.TEXT, b"for two"))
    assert second.receive() == [b"for two"]
    assert first.receive() == [b"for one"]
    assert Http2Client(Seat(pool)).get("/poll").body == b"polled"
    assert (len(server.peers), first.connects, second.connects) == (1, 1, 0)
    assert (first.opened_ns > 0, second.opened_ns) == (True, 0)


def test_client_sends_masked_frames_and_answers_pings(http2: StartHttp2) -> None:
    server = http2(upgrade, settings=ABLE)
    client = Http2WebSocketClient(Seat(pool_of(server)), "/ws")
    big = b"x" * 200_000  # beyond the windows of the server
    client.send_text(b"hello")
    client.send_text(big)
    server.requests[0].data(encode_frame(Opcode.PING, b"there?") + encode_frame(Opcode.TEXT, b"x"))
    assert client.receive() == [b"x"]
    wait_for(lambda: len(sent_in(server.requests[0])) == 3)
    assert [(Opcode.TEXT, b"hello"), (Opcode.TEXT, big), (Opcode.PONG, b"there?")] == sent_in(server.requests[0])
    client.close()
    server.requests[0].is_reset.wait()


def test_close_ends_the_stream_and_not_the_connection(http2: StartHttp2) -> None:
    server = http2(upgrade, settings=ABLE)
    pool = pool_of(server)
    kept, client = (Http2WebSocketClient(Seat(pool), "/ws") for _ in range(2))
    server.requests[1].data(encode_close(CloseCode.GOING_AWAY, "bye"), end=True)
    with pytest.raises(ConnectionLost, match="1001: bye"):
        client.receive()
    server.requests[0].data(encode_frame(Opcode.TEXT, b"still here"))
    assert kept.receive() == [b"still here"]


def test_goodbye_waits_for_the_end_of_the_stream(http2: StartHttp2) -> None:
    server = http2(upgrade, settings=ABLE)
    client = Http2WebSocketClient(Seat(pool_of(server)), "/ws")
    server.requests[0].peer.on_data = lambda exchange: exchange.data(encode_close(CloseCode.NORMAL), end=True)
    client.leave()
    assert [Opcode.CLOSE] == [opcode for opcode, _ in sent_in(server.requests[0])]
    client.close()


def test_compressed_messages_are_unpacked(http2: StartHttp2) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.head(200, CURSOR, ("sec-websocket-extensions", SHARED))
        exchange.data(Deflater(12, 5, takes_over=False).frame(encode_frame(Opcode.TEXT, b"hello, " * 10)))
        exchange.hold()

    server = http2(answer, settings=ABLE)
    client = Http2WebSocketClient(Seat(pool_of(server)), "/ws", "shared")
    assert client.receive() == [b"hello, " * 10]
    assert "permessage-deflate" in server.requests[0].headers["sec-websocket-extensions"]


def test_server_without_websockets_over_http2_is_named(http2: StartHttp2) -> None:
    server = http2(upgrade)
    with pytest.raises(
        Refused, match=rf"^{server.address} has no WebSocket over HTTP/2 \(RFC 8441\): its SETTINGS lack"
    ):
        Http2WebSocketClient(Seat(pool_of(server)), "/ws")
    assert not server.requests


def test_refused_websocket_carries_what_the_server_said(http2: StartHttp2) -> None:
    server = http2(lambda exchange: exchange.answer(b"not here", status=404), settings=ABLE)
    with pytest.raises(Refused, match=r"^404: not here$"):
        Http2WebSocketClient(Seat(pool_of(server)), "/ws")


def test_answer_without_a_cursor_is_refused(http2: StartHttp2) -> None:
    server = http2(lambda exchange: exchange.head(200), settings=ABLE)
    with pytest.raises(Refused, match=r"^200 without a cursor in Wirerace-Cursor$"):
        Http2WebSocketClient(Seat(pool_of(server)), "/ws")
