"""A check finds each planted fault, by the promise that it breaks, and nothing in the same server without a fault."""

from typing import NamedTuple

import pytest

from tests.checking.checked import failed, feeding, findings_of
from tests.checking.faulty import faulty_server
from wirerace.checking.promise import promises_of


class Planted(NamedTuple):
    """A fault, a transport on which it shows, the promise that it breaks, and words of the report."""

    fault: str
    transport: str
    promise: str
    came: str
    patience_seconds: float = 10.0


SHORT = 0.6
"""Where the fault is that nothing comes, a check need not wait long."""
FAULTS = [
    Planted("an update is lost after reconnecting", "sse", "resume", "update EPOCH-7", SHORT),
    Planted("an update is lost after reconnecting", "polling", "resume", "", SHORT),
    Planted("an update is left out", "stream", "once-in-order", ""),
    Planted("each update is sent twice", "sse", "once-in-order", "again"),
    Planted("each update is sent twice", "stream", "once-in-order", "again"),
    Planted("the order is reversed", "polling", "batch", ""),
    Planted("the order is reversed", "sse", "once-in-order", ""),
    Planted("the cursor does not move", "polling", "cursor-moves", "-0"),
    Planted("answers have no cursor", "longpolling", "cursor", "no such header"),
    Planted("204 has no cursor", "polling", "empty", "no such header"),
    Planted("an empty answer is a list", "longpolling", "empty", "none"),
    Planted("the answer is no batch", "polling", "batch", "something else"),
    Planted("more is not said", "polling", "bound-of-updates", ""),
    Planted("an answer has no bound", "longpolling", "bound-of-updates", "1100"),
    Planted("the hold is cut short", "longpolling", "hold-kept", "204 after 0."),
    Planted("an update does not end the hold", "longpolling", "hold-ends", "", SHORT),
    Planted("events have no id", "sse", "event-ids", "no id"),
    Planted("the stream begins without an id", "sse", "stream-begins", "no id"),
    Planted("data has two lines", "sse", "event-data", "4"),
    Planted("Last-Event-ID is ignored", "sse", "last-event-id", "", SHORT),
    Planted("the Content-Type is wrong", "sse", "content-type", "text/plain"),
    Planted("the Content-Type is wrong", "stream", "content-type", "application/json"),
    Planted("the stream is not chunked", "stream", "chunked", "none"),
    Planted("HEAD is served", "sse", "head", "200"),
    Planted("a bad cursor is ignored", "stream", "bad-cursor", "200"),
    Planted("an unknown epoch starts at the end", "stream", "unknown-epoch", "0 updates", SHORT),
    Planted("a cursor before what is kept is refused", "stream", "gap", "410"),
    Planted("a cursor before what is kept is refused", "polling", "gap", "410"),
    Planted("a cursor ahead is answered", "sse", "ahead", ""),
    Planted("a new client gets what is kept", "sse", "next-update", ""),
    Planted("the feed is not resumed", "stream", "cut", "", SHORT),
    Planted("a lost feed ends every answer", "stream", "cut", ""),  # a client that comes just then gets 503
    Planted("a bad line is passed on", "stream", "bad-line", "none", SHORT),
    Planted("a new epoch is not noticed", "sse", "new-epoch", "", SHORT),
    Planted("a new epoch is not noticed", "polling", "epoch-named", "another cursor", SHORT),
    Planted("health is always good", "sse", "health-503", "another status", SHORT),
    Planted("the accept key is wrong", "websocket", "accept-key", ""),
    Planted("an update is two messages", "websocket", "one-frame", "something else"),
    Planted("an update is two fragments", "websocket", "one-frame", "frames for"),
    Planted("an update is bytes", "websocket", "next-update", "0 of 3", SHORT),
    Planted("a ping is not answered", "websocket", "ping", "none within", SHORT),
    Planted("a close is not answered", "websocket", "close", "none within", SHORT),
    Planted("unmasked frames are taken", "websocket", "bad-frames", "none within", SHORT),
    Planted("every close has code 1000", "websocket", "bad-frames", "one with 1000"),
]


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait little for what does not come."""
    monkeypatch.setattr("wirerace.checking.promises.breaking.LOOK_SECONDS", 0.4)
    monkeypatch.setattr("examples.server.WRITE_SECONDS", 0.2)
    monkeypatch.setattr("wirerace.checking.scene.FEED_SECONDS", 5.0)
    monkeypatch.setattr("wirerace.checking.promises.breaking.FEED_SECONDS", 0.4)
    monkeypatch.setattr("wirerace.checking.promises.holds.HOLD_SECONDS", 1.0)
    monkeypatch.setattr("wirerace.checking.feed.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("examples.server.SILENCE_SECONDS", 1.5)


@pytest.mark.long
@pytest.mark.parametrize("planted", FAULTS, ids=lambda planted: f"{planted.fault}-{planted.transport}")
async def test_fault_is_found_by_the_promise_that_it_breaks(planted: Planted) -> None:
    async with feeding() as feed:
        with faulty_server(feed.url, planted.fault) as port:
            findings = await findings_of(planted.transport, port, feed, [planted.promise], planted.patience_seconds)
    finding = findings[planted.promise]
    assert "fail" == finding.verdict
    assert finding.expected
    if planted.patience_seconds != SHORT:  # otherwise something else may not have come in time, too
        assert planted.came.replace("EPOCH", feed.epoch) in finding.came


@pytest.mark.long
@pytest.mark.parametrize(
    ("limit", "promise", "came"),
    [("WRITE_SECONDS", "slow-reader", "bytes, that is, all"), ("SILENCE_SECONDS", "silence", "none within")],
)
async def test_limit_that_is_not_kept_is_found(
    monkeypatch: pytest.MonkeyPatch, limit: str, promise: str, came: str
) -> None:
    monkeypatch.setattr(f"examples.server.{limit}", 30.0)
    monkeypatch.setattr("wirerace.checking.promises.breaking.SILENCE_SECONDS", 0.5)
    async with feeding() as feed:
        with faulty_server(feed.url) as port:
            findings = await findings_of("stream", port, feed, [promise], patience_seconds=2.0)
    assert ("fail", True) == (findings[promise].verdict, came in findings[promise].came)


@pytest.mark.long
@pytest.mark.parametrize(("transport", "promise"), sorted({(one.transport, one.promise) for one in FAULTS}))
async def test_same_promise_is_kept_by_the_same_server_without_a_fault(transport: str, promise: str) -> None:
    """Otherwise a fault might be found where there is none."""
    async with feeding() as feed:
        with faulty_server(feed.url) as port:
            findings = await findings_of(transport, port, feed, [promise])
    assert {} == failed(findings)


@pytest.mark.long
@pytest.mark.parametrize(
    ("transport", "fault", "broken"),
    [("websocket", "", set()), ("sse", "events have no id", {"event-ids", "stream-begins"})],
)
async def test_one_fault_is_no_flood_of_failures(transport: str, fault: str, broken: set[str]) -> None:
    async with feeding() as feed:
        with faulty_server(feed.url, fault) as port:
            findings = await findings_of(transport, port, feed)
    assert broken == failed(findings).keys()
    optional = {promise.id for promise in promises_of(transport) if promise.optional}
    assert {name for name, found in findings.items() if found.verdict == "not offered"} == optional
