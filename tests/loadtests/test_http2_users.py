"""Users over HTTP/2: several share a connection, each with its own ledger."""

import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import gevent
import msgspec
import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from loadtests.longpolling import LongPollingUser
from loadtests.polling import PollingUser
from loadtests.sse import SseUser
from loadtests.stream import StreamUser
from loadtests.user import SubscriberUser
from loadtests.websocket import WebSocketUser
from tests.loadtests.http2_server import Exchange, Http2Server, StartHttp2
from tests.loadtests.swarm import Start, Swarm
from wirerace.observe.account import Window
from wirerace.wire.event_stream import encode_event
from wirerace.wire.frames import Opcode, encode_frame
from wirerace.wire.message import Acknowledgement, ClientMessage, encode
from wirerace.workload.order import LoadOrder
from wirerace.workload.upstream import Upstream

pytestmark = [pytest.mark.usefixtures("in_time"), pytest.mark.long]
USERS = [PollingUser, LongPollingUser, SseUser, StreamUser, WebSocketUser]
PUSHED = [SseUser, StreamUser, WebSocketUser]
QUIET = Upstream()
OPTIONS = {"polling": {"interval_seconds": 0.05}}
CONTENT = {"/sse": "text/event-stream", "/stream": "application/x-ndjson"}


class UpdateServer:
    """Serves what `make` makes on every transport, and acknowledges messages."""

    def __init__(self) -> None:
        self.updates: list[bytes] = []
        self.held: list[Exchange] = []

    def make(self) -> None:
        seq = len(self.updates) + 1
        update = f'{{"epoch":"e","seq":{seq},"ts":{time.time_ns()},"data":"x"}}'.encode()
        self.updates.append(update)
        for exchange in self.held:
            exchange.data(self._framed(exchange.path, update, seq))

    def answer(self, exchange: Exchange) -> None:
        path, query = urlsplit(exchange.path).path, parse_qs(urlsplit(exchange.path).query)
        if path == "/send":
            self._acknowledge(exchange)
        elif path in {"/poll", "/longpoll"}:
            after = int(query.get("after", [f"e-{len(self.updates)}"])[0].partition("-")[2])
            self._batch(exchange, after, float(query.get("hold", ["0"])[0]))
        else:
            cursor = ("wirerace-cursor", f"e-{len(self.updates)}")
            exchange.head(200, cursor, *([("content-type", CONTENT[path])] if path in CONTENT else []))
            self.held.append(exchange)
            exchange.hold()
            self.held.remove(exchange)

    def _batch(self, exchange: Exchange, after: int, hold_seconds: float) -> None:
        until = time.monotonic() + hold_seconds
        while len(self.updates) <= after and time.monotonic() < until:
            gevent.sleep(0.002)
        updates = self.updates[after:]
        head = [("wirerace-cursor", f"e-{len(self.updates)}")]
        if updates:
            body = b'{"updates":[' + b",".join(updates) + b"]}"
            exchange.head(200, *head, ("content-length", str(len(body))))
            exchange.data(body, end=True)
        else:
            exchange.head(204, *head, end=True)

    def _acknowledge(self, exchange: Exchange) -> None:
        exchange.is_whole.wait()
        message = msgspec.json.decode(exchange.body, type=ClientMessage)
        exchange.answer(encode(Acknowledgement(message.n, message.client, time.time_ns())))

    @staticmethod
    def _framed(path: str, update: bytes, seq: int) -> bytes:
        if path.startswith("/ws"):
            return encode_frame(Opcode.TEXT, update)
        return update + b"\n" if path.startswith("/stream") else encode_event(f"e-{seq}".encode(), update)


def order(user: type[SubscriberUser], server: Http2Server, each: int, upstream: Upstream = QUIET) -> str:
    name = user.transport.name
    value = LoadOrder(
        transport=name, options=OPTIONS.get(name, {}), url=f"http://{server.address}", http=2,
        streams_per_connection=each, upstream=upstream,
    )  # fmt: skip
    return f"--contestant={msgspec.json.encode(value).decode()}"


Crowd = Callable[..., tuple[UpdateServer, Http2Server, Swarm]]


@pytest.fixture
def crowd(http2: StartHttp2, start: Start) -> Crowd:
    """Start users, and return when all of them are connected."""

    def begin(
        user: type[SubscriberUser], users: int, each: int, upstream: Upstream = QUIET
    ) -> tuple[UpdateServer, Http2Server, Swarm]:
        updates = UpdateServer()
        server = http2(updates.answer, settings={SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
        window = Window(time.time_ns(), 2**62)
        swarm = start(user, server, order(user, server, each, upstream), window=window)
        swarm.runner.start(users, spawn_rate=users)
        swarm.wait_for(lambda: len(swarm.load._clients) == users and swarm.load.state().away == 0)
        return updates, server, swarm

    return begin


@pytest.mark.parametrize("user", USERS)
def test_users_receive_everything_over_connections_they_share(crowd: Crowd, user: type[SubscriberUser]) -> None:
    updates, server, swarm = crowd(user, 5, 3)
    for _ in range(3):
        updates.make()
        swarm.wait_for(lambda: swarm.account.totals.received == 5 * len(updates.updates))
    account = swarm.account

    assert len(server.peers) == 2
    assert account.totals.connects == 2
    assert account.stages["tcp_connected"].count == 2
    assert account.stages["request_sent"].count == account.stages["answered"].count == 5
    assert (account.totals.repeated, account.totals.breaks, swarm.failures()) == (0, 0, [])
    assert swarm.load._counters[user.transport.name].total().connections == 2


@pytest.mark.parametrize("user", USERS)
def test_users_that_are_cut_come_back_on_one_connection(crowd: Crowd, user: type[SubscriberUser]) -> None:
    updates, server, swarm = crowd(user, 4, 4)
    assert swarm.load.cut(0.0) == 4
    swarm.wait_for(lambda: swarm.load.state().away == 0 and len(server.peers) == 2)
    updates.make()
    swarm.wait_for(lambda: swarm.account.totals.received == 4)

    assert (swarm.account.totals.cuts, swarm.account.totals.breaks) == (4, 0)
    assert swarm.account.totals.connects == 2
    assert swarm.account.returning.count == 4
    assert server.peers[0].socket.closed
    assert swarm.failures() == []


@pytest.mark.parametrize("user", PUSHED)
def test_connection_that_breaks_is_opened_once_for_all(crowd: Crowd, user: type[SubscriberUser]) -> None:
    updates, server, swarm = crowd(user, 4, 4)
    server.peers[0].socket.close()
    swarm.wait_for(lambda: len(server.peers) == 2 and swarm.load.state().away == 0 and len(updates.held) == 4)
    updates.make()
    swarm.wait_for(lambda: swarm.account.totals.received == 4)

    assert (swarm.account.totals.breaks, swarm.account.totals.connects) == (4, 2)


@pytest.mark.parametrize("user", PUSHED)
def test_user_that_is_stopped_resets_its_stream_alone(crowd: Crowd, user: type[SubscriberUser]) -> None:
    updates, server, swarm = crowd(user, 3, 3)
    swarm.runner.start(2, spawn_rate=10)
    swarm.wait_for(lambda: any(exchange.reset_by is not None for exchange in server.requests))
    updates.make()
    swarm.wait_for(lambda: swarm.account.totals.received == 2)

    assert [ErrorCodes.CANCEL] == [exchange.reset_by for exchange in server.requests if exchange.reset_by is not None]
    assert not server.peers[0].socket.closed
    assert swarm.account.totals.breaks == 0


@pytest.mark.parametrize("user", USERS)
def test_connections_close_with_their_last_user(crowd: Crowd, user: type[SubscriberUser]) -> None:
    _, server, swarm = crowd(user, 3, 2)
    peers = list(server.peers)
    swarm.runner.stop()
    swarm.wait_for(lambda: all(peer.socket.closed for peer in peers))


@pytest.mark.parametrize(
    ("user", "connection"),
    [
        *((user, "same") for user in (PollingUser, LongPollingUser, SseUser)),
        (PollingUser, "own"),
        (WebSocketUser, "own"),
    ],
)
def test_messages_are_streams_of_the_same_connection(crowd: Crowd, user: type[SubscriberUser], connection: str) -> None:
    upstream = Upstream(rate_per_second=50.0, connection=connection)  # type: ignore[arg-type]
    _, server, swarm = crowd(user, 2, 2, upstream)
    swarm.wait_for(lambda: swarm.account.tally.acknowledged >= 10)

    assert (len(server.peers), swarm.account.totals.message_connects) == (1, 0)
    assert swarm.account.totals.message_bytes_out > 10 * 50
    assert swarm.account.totals.message_bytes_in > 10 * 30
