"""Metrics: each exists at zero from the start, and agrees with what a client counts."""

import time

import pytest

from tests.contract.clients import HTTP_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.frames import CLOSE, PING, PONG, TEXT, Received, close, frame, refusal_in, shake_hands
from tests.contract.raw import get
from tests.contract.stage import Running, Stage

ZERO_AT_FIRST = [
    "updates_total",
    "deliveries_total",
    "payload_bytes_total",
    "received_bytes_total",
    "sent_bytes_total",
    "heartbeat_bytes_total",
    "slow_readers_total",
    "early_updates_total",
    "feed_connects_total",
    "clients",
    "waiting_bytes",
    "held_requests",
    "feed_live",
    'responses_total{outcome="data"}',
    'responses_total{outcome="empty"}',
    'responses_total{outcome="error"}',
    'messages_total{outcome="accepted"}',
    'messages_total{outcome="repeated"}',
    'messages_total{outcome="refused"}',
    "feed_lag_seconds_count",
    "feed_lag_seconds_sum",
    'feed_lag_seconds_bucket{le="0.001"}',
    'feed_lag_seconds_bucket{le="+Inf"}',
]


async def responses(server: Running) -> tuple[float, float, float]:
    """Return how many answers had data, were empty, were errors."""
    metrics = await server.metrics()
    data, empty, error = (
        metrics[f'wirerace_responses_total{{outcome="{name}"}}'] for name in ("data", "empty", "error")
    )
    return data, empty, error


async def test_every_metric_exists_at_zero_from_the_start(stage: Stage) -> None:
    stage.link.cut()
    server = await stage.serve_soon()
    metrics = await server.metrics()
    assert dict.fromkeys(ZERO_AT_FIRST, 0.0) == {name: metrics.get(f"wirerace_{name}") for name in ZERO_AT_FIRST}
    assert "wirerace_event_loop_lag_seconds_count" in metrics
    assert metrics["wirerace_cpu_seconds_total"] > 0


async def test_metrics_are_prometheus_text(stage: Stage) -> None:
    server = await stage.serve()
    answer = await server.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    for name in ("wirerace_updates_total", "wirerace_clients", "wirerace_feed_lag_seconds"):
        assert f"# HELP {name} " in answer.body.decode()
        assert f"# TYPE {name} " in answer.body.decode()


async def test_feed_is_counted(stage: Stage) -> None:
    await stage.serve()
    begun = time.time()
    await stage.make_and_see(3)
    took = time.time() - begun
    metrics = await stage.server.metrics()
    assert 1 == metrics["wirerace_feed_live"]
    assert 1 == metrics["wirerace_feed_connects_total"]
    assert 3 == metrics["wirerace_updates_total"]
    assert 3 == metrics["wirerace_feed_lag_seconds_count"]
    assert 0 < metrics["wirerace_feed_lag_seconds_sum"] < 3 * took


async def test_deliveries_and_payload_are_counted_for_each_client(stage: Stage) -> None:
    await stage.serve()
    clients = [await stage.subscribe() for _ in range(2)]
    await stage.make(3, payload_bytes=50)
    for client in clients:
        await client.receive(3)
    assert 6 == await stage.server.metric("deliveries_total")
    assert 300 == await stage.server.metric("payload_bytes_total")


async def test_updates_that_a_client_catches_up_with_are_counted(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(4, payload_bytes=20)
    client = await stage.subscribe(after=stage.at(1))
    await client.receive(3)
    assert 3 == await stage.server.metric("deliveries_total")
    assert 60 == await stage.server.metric("payload_bytes_total")


async def test_client_is_counted_while_it_is_connected(stage: Stage) -> None:
    await stage.serve()
    clients = [await stage.subscribe() for _ in range(3)]
    assert 3 == await stage.server.metric("clients")
    for left, client in zip((2, 1, 0), clients, strict=True):
        client.close()
        await stage.server.until_metric("clients", left)


async def test_connection_that_asks_for_no_updates_is_no_client(stage: Stage) -> None:
    """Neither its bytes nor its errors count, because they belong to no delivery."""
    await stage.serve()
    raw = await stage.connect()
    await raw.send(get("/health") + get("/metrics") + get("/nosuch") + get("/health", method="POST"))
    assert [200, 200, 404, 405] == [(await raw.answer()).status for _ in range(4)]
    metrics = await stage.server.metrics()
    for name in ("clients", "received_bytes_total", "sent_bytes_total", 'responses_total{outcome="error"}'):
        assert 0 == metrics[f"wirerace_{name}"], name


async def test_refused_request_is_counted_as_an_error(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    assert 400 == (await raw.ask(stage.request("after=nonsense"))).status
    assert (0, 0, 1) == await responses(stage.server)
    assert raw.received_bytes == await stage.server.metric("sent_bytes_total")
    assert raw.sent_bytes == await stage.server.metric("received_bytes_total")


async def test_bytes_of_a_client_that_breaks_off_into_garbage_are_counted(stage: Stage) -> None:
    """Its last answer too."""
    await stage.serve()
    raw = await stage.connect()
    assert 400 == (await raw.ask(stage.request("after=nonsense"))).status
    assert 400 == (await raw.ask(b"garbage\r\n\r\n")).status
    assert (0, 0, 2) == await responses(stage.server)
    assert raw.sent_bytes == await stage.server.metric("received_bytes_total")
    assert raw.received_bytes == await stage.server.metric("sent_bytes_total")


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_bytes_and_answers_are_those_that_a_client_counts(stage: Stage) -> None:
    """They agree to the byte, in both directions, over several connections, also while something else scrapes."""
    await stage.serve()
    connections = [await stage.connect() for _ in range(3)]
    for raw in connections:
        assert 204 == (await raw.ask(stage.request("hold=0"))).status
    await stage.make_and_see(2, 100)
    for raw in connections:
        await raw.send(stage.request(f"after={stage.at(0)}&hold=0") + stage.request("after=x"))
        assert [200, 400] == [(await raw.answer()).status for _ in range(2)]
    closing = await stage.connect()
    assert 204 == (await closing.ask(stage.request("hold=0", "Connection: close"))).status
    assert b"" == await closing.rest()
    connections.append(closing)
    metrics = await stage.server.metrics()
    assert sum(raw.sent_bytes for raw in connections) == metrics["wirerace_received_bytes_total"]
    assert sum(raw.received_bytes for raw in connections) == metrics["wirerace_sent_bytes_total"]
    assert (3, 4, 3) == await responses(stage.server)


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_bytes_of_frames_are_those_that_a_client_counts(stage: Stage) -> None:
    """Handshake, updates, pongs, refusals and closes, in both directions."""
    await stage.serve()
    await stage.make_and_see(3, 100)
    peers = [await shake_hands(stage, f"after={stage.at(0)}") for _ in range(2)]
    await stage.make(2, 200)
    for peer in peers:
        assert [TEXT] * 5 == [(await peer.next()).opcode for _ in range(5)]
        await peer.ask(frame(PING, b"how much?"))
        await peer.raw.send(frame(TEXT, b"x" * 1000) + close(1000))
        assert 400 == refusal_in(await peer.next())
        assert [Received(CLOSE, 1000)] == await peer.rest()
    metrics = await stage.server.metrics()
    assert sum(peer.raw.sent_bytes for peer in peers) == metrics["wirerace_received_bytes_total"]
    assert sum(peer.raw.received_bytes for peer in peers) == metrics["wirerace_sent_bytes_total"]
    assert 10 == metrics["wirerace_deliveries_total"]
    assert (0, 0, 0) == await responses(stage.server)


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_bytes_of_a_fault_are_those_that_a_client_counts(stage: Stage) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    await peer.raw.send(frame(TEXT, b"x", masked=False))
    assert [Received(CLOSE, 1002)] == await peer.rest()
    metrics = await stage.server.metrics()
    assert peer.raw.sent_bytes == metrics["wirerace_received_bytes_total"]
    assert peer.raw.received_bytes == metrics["wirerace_sent_bytes_total"]
    assert (0, 0, 1) == await responses(stage.server)


@pytest.mark.long
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_bytes_of_heartbeats_are_counted_apart(stage: Stage) -> None:
    """The server's pings and the pongs to them; together with all other bytes they are what a client counts."""
    await stage.serve(ping_interval_seconds=0.02)
    peer = await shake_hands(stage)
    sent_bytes, received_bytes = peer.raw.sent_bytes, peer.raw.received_bytes
    for _ in range(3):
        assert Received(PING, b"") == await peer.next()
        await peer.raw.send(frame(PONG, b"yes"))
    await stage.make_and_see()
    await peer.raw.send(close(1000))
    frames = await peer.rest()
    update = next(
        len(received.payload) for received in frames if isinstance(received.payload, bytes) and received.payload
    )
    metrics = await stage.server.metrics()
    assert sent_bytes + len(close(1000)) == metrics["wirerace_received_bytes_total"]
    assert received_bytes + 2 + update + len(b"\x88\x02\x03\xe8") == metrics["wirerace_sent_bytes_total"]
    counted = sum(metrics[f"wirerace_{name}_bytes_total"] for name in ("sent", "received", "heartbeat"))
    assert peer.raw.sent_bytes + peer.raw.received_bytes == counted


class Watched:
    """The counters of a server, which must never fall."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._highest: dict[str, float] = {}

    async def look(self) -> None:
        """Scrape, and compare with the last scrape."""
        metrics = await self._server.metrics()
        counters = {
            name: value
            for name, value in metrics.items()
            if name.partition("{")[0].endswith(("_total", "_count", "_sum", "_bucket"))
        }
        assert {} == {name: value for name, value in counters.items() if value < self._highest.get(name, 0.0)}
        self._highest = counters


@pytest.mark.long
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_no_counter_falls_while_pongs_come_in_pieces(stage: Stage) -> None:
    """One byte after the other, with a scrape after each; in the end each byte is in one count."""
    await stage.serve()
    peer = await shake_hands(stage)
    watched = Watched(stage.server)
    sent = frame(PONG, b"yes") + frame(TEXT, b"x" * 5) + frame(PONG, b"") + frame(PONG, b"no" * 5)
    for index in range(len(sent)):
        await peer.raw.send(sent[index : index + 1])
        await watched.look()
    await stage.server.until_metric("heartbeat_bytes_total", sum(len(frame(PONG, b)) for b in (b"yes", b"", b"no" * 5)))
    await peer.raw.send(frame(PONG, b"cut off")[:5])
    peer.raw.close()
    await stage.server.until_metric("clients", 0)
    await watched.look()
    metrics = await stage.server.metrics()
    counted = metrics["wirerace_received_bytes_total"] + metrics["wirerace_heartbeat_bytes_total"]
    assert peer.raw.sent_bytes == counted


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_no_counter_falls_when_a_pong_comes_with_the_handshake(stage: Stage) -> None:
    await stage.serve()
    watched = Watched(stage.server)
    raw = await stage.connect()
    pong = frame(PONG, b"at once")
    for part in (stage.request() + pong + pong[:4], pong[4:], pong, close(1000)):
        await raw.send(part)
        await watched.look()
    await raw.rest()
    await watched.look()
    metrics = await stage.server.metrics()
    counted = metrics["wirerace_received_bytes_total"] + metrics["wirerace_heartbeat_bytes_total"]
    assert raw.sent_bytes == counted


@pytest.mark.long
async def test_no_counter_falls_whatever_a_client_does(stage: Stage) -> None:
    """Requests in pieces, refused ones, what is no HTTP, clients that vanish."""
    await stage.serve()
    watched = Watched(stage.server)
    await stage.make_and_see(3)
    for request in (stage.request(f"after={stage.at(0)}&hold=0"), stage.request("after=x"), b"no HTTP\r\n\r\n"):
        raw = await stage.connect()
        for part in (request[:7], request[7:]):
            await raw.send(part)
            await watched.look()
        await raw.some()
        await watched.look()
        raw.reset()
        await watched.look()
    await stage.restart_producer()
    await stage.make_and_see(2)
    await watched.look()
