"""Messages from clients: each is acknowledged once it is received, counts once, and one that is none is refused."""

import json
import time
from typing import Any

import pytest

from services.keys import MOST_GAPS
from tests.contract.senders import SENDERS, SENT_NS, Posting, Reply, Sender, every_way, message, messages_counted
from tests.contract.stage import Stage

pytestmark = every_way


async def sender(stage: Stage, by: str, query: str = "") -> Sender:
    return await SENDERS[by].open(stage, query)


async def test_message_is_acknowledged_with_its_key_and_the_time_of_its_receipt(stage: Stage, by: str) -> None:
    await stage.serve()
    begun_ns = time.time_ns()
    reply = await (await sender(stage, by)).send(message(1))
    assert {"ack": 1, "client": "ann", "received": reply.received} == reply.acknowledged
    assert begun_ns <= reply.received <= time.time_ns()
    assert (1, 0, 0) == await messages_counted(stage)


async def test_messages_that_come_at_once_are_acknowledged_in_their_order(stage: Stage, by: str) -> None:
    await stage.serve()
    replies = await (await sender(stage, by)).send_all(message(n, data="x" * n) for n in range(1, 101))
    assert list(range(1, 101)) == [reply.acknowledged["ack"] for reply in replies]
    times = [reply.received for reply in replies]
    assert sorted(times) == times
    assert (100, 0, 0) == await messages_counted(stage)


async def test_repeated_message_counts_once_and_has_the_time_of_its_first_receipt(stage: Stage, by: str) -> None:
    """On another connection, too, as after a lost one."""
    await stage.serve()
    first = await sender(stage, by)
    received = (await first.send(message(1))).received
    for again in (first, await sender(stage, by), await Posting.open(stage)):
        reply = await again.send(message(1))
        assert {"ack": 1, "client": "ann", "received": received, "repeated": True} == reply.acknowledged
    assert (1, 3, 0) == await messages_counted(stage)


@pytest.mark.parametrize(
    "other", [message(1, data="bye"), message(1, ts=5), message(1, data="")], ids=["data", "time", "nothing"]
)
async def test_another_message_with_the_same_key_is_refused(stage: Stage, by: str, other: bytes) -> None:
    await stage.serve()
    ann = await sender(stage, by)
    await ann.send(message(1))
    line = "message 1 of ann is another one: give each message a number of its own"
    assert Reply(409, {}, line) == await ann.send(other)
    assert (await ann.send(message(1))).acknowledged["repeated"]
    assert (1, 1, 1) == await messages_counted(stage)


async def test_same_message_for_another_channel_is_another_one(stage: Stage, by: str) -> None:
    await stage.serve()
    await stage.make_and_see(channels=2)
    assert 200 == (await (await sender(stage, by, "channel=1")).send(message(1))).status
    assert 409 == (await (await sender(stage, by, "channel=2")).send(message(1))).status


async def test_clients_have_keys_of_their_own(stage: Stage, by: str) -> None:
    await stage.serve()
    one = await sender(stage, by)
    replies = await one.send_all(message(1, client) for client in ("ann", "bob", "Ann", "x" * 32, "-", "_", "0"))
    assert {200} == {reply.status for reply in replies}
    assert not any("repeated" in reply.acknowledged for reply in replies)


async def test_numbers_may_come_in_any_order_and_each_counts_once(stage: Stage, by: str) -> None:
    await stage.serve()
    numbers = [5, 1, 3, 2, 9, 4, 10**18 - 1, 1, 5, 9]
    replies = await (await sender(stage, by)).send_all(message(n) for n in numbers)
    assert numbers == [reply.acknowledged["ack"] for reply in replies]
    assert [False] * 7 + [True] * 3 == [reply.acknowledged.get("repeated", False) for reply in replies]


def changed(**fields: Any) -> bytes:
    """Return a message with other fields; one that is None is left out."""
    whole = {"client": "ann", "n": 1, "ts": SENT_NS, "data": "x"} | fields
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


NAME = "message.client must be 1 to 32 letters, digits, _ and -, got"
BAD = {
    "nothing": (b"", "message: no JSON: input data was truncated"),
    "no JSON": (b"hello", "message: no JSON: malformed: invalid character (byte 0)"),
    "half of it": (message(1)[:-3], "message: no JSON: input data was truncated"),
    "more than one": (message(1) * 2, "message: no JSON: malformed: trailing characters (byte 70)"),
    "no object": (b"[1]", "message must be a table, got [1]"),
    "no client": (changed(client=None), "client is missing; add it to message"),
    "no number": (changed(n=None), "n is missing; add it to message"),
    "no time": (changed(ts=None), "ts is missing; add it to message"),
    "no data": (changed(data=None), "data is missing; add it to message"),
    "a number of another type": (changed(n="1"), "message.n must be a whole number, got '1'"),
    "number 0": (changed(n=0), "message.n must be a whole number at least 1, got 0"),
    "a number of 19 digits": (
        changed(n=10**18),
        "message.n must be a whole number at most 999999999999999999, got 1000000000000000000",
    ),
    "a time before 1970": (changed(ts=-1), "message.ts must be a whole number at least 0, got -1"),
    "a time beyond 64 bits": (
        changed(ts=2**63),
        "message.ts must be a whole number at most 9223372036854775807, got 9223372036854775808",
    ),
    "data of another type": (changed(data=5), "message.data must be text, got 5"),
    "half of a surrogate pair": (changed(data="\ud83d"), "message: no JSON: input data was truncated"),
    "a client without a name": (changed(client=""), f"{NAME} ''"),
    "a client of 33 letters": (changed(client="x" * 33), f"{NAME} '{'x' * 33}'"),
    "a client with a blank": (changed(client="a b"), f"{NAME} 'a b'"),
    "a client with a line break": (changed(client="a\n"), f"{NAME} 'a\\n'"),
    "a client beyond ASCII": (changed(client="ä"), f"{NAME} 'ä'"),
    "50,000 brackets": (b"[" * 50_000, "message must be a table"),
}


@pytest.mark.parametrize("what", BAD)
async def test_what_is_no_message_is_refused_and_the_connection_stays(stage: Stage, by: str, what: str) -> None:
    encoded, line = BAD[what]
    await stage.serve()
    ann = await sender(stage, by)
    assert Reply(400, {}, line) == await ann.send(encoded)
    assert 1 == (await ann.send(message(1))).acknowledged["ack"]
    assert (1, 0, 1) == await messages_counted(stage)


async def test_field_that_nobody_knows_is_ignored(stage: Stage, by: str) -> None:
    await stage.serve()
    assert 200 == (await (await sender(stage, by)).send(changed(color="red"))).status


async def test_client_that_sends_too_many_in_a_second_is_refused_and_others_are_not(stage: Stage, by: str) -> None:
    """The connection stays. What was refused was not received: it counts when it is sent again."""
    await stage.serve(max_messages_per_second=3)
    clock = stage.server.service.inbox  # type: ignore[attr-defined]
    now = time.time_ns()
    clock._clock = lambda: now
    ann, bob = await sender(stage, by), await sender(stage, by)
    replies = await ann.send_all(message(n) for n in range(1, 6))
    assert [200] * 3 + [429] * 2 == [reply.status for reply in replies]
    assert "more than 3 messages of ann in a second: send fewer" == replies[-1].why
    assert 200 == (await bob.send(message(1, "bob"))).status
    now += 999_999_999
    assert 429 == (await ann.send(message(4))).status
    now += 1
    reply = await ann.send(message(4))
    assert {"ack": 4, "client": "ann", "received": now} == reply.acknowledged
    assert (5, 0, 3) == await messages_counted(stage)


@pytest.mark.long
async def test_gaps_in_the_numbers_of_a_client_have_a_limit(stage: Stage, by: str) -> None:
    """They take memory. A number that fills a gap, or is known, is taken."""
    await stage.serve(max_messages_per_second=10_000)
    ann = await sender(stage, by)
    for begin in range(0, MOST_GAPS, 100):
        await ann.send_all(message(2 * n) for n in range(begin + 1, begin + 101))
    above = await ann.send(message(2 * MOST_GAPS + 2))
    line = f"n must count up by 1, and {MOST_GAPS} gaps are below {2 * MOST_GAPS}: fill them first"
    assert Reply(400, {}, line) == above
    next_one, filling, known = await ann.send_all(message(n) for n in (2 * MOST_GAPS + 1, 1, 2))
    assert [200] * 3 == [next_one.status, filling.status, known.status]
    assert 200 == (await ann.send(message(2 * MOST_GAPS + 3))).status


@pytest.mark.long
@pytest.mark.parametrize(
    ("query", "status", "line"),
    [
        ("channel=3", 404, "there is no channel 3: name one of the producer's"),
        ("channel=a%20b", 400, "channel must be 1 to 32 letters, digits, _ and -, got 'a b'"),
        ("fan_out=yes", 400, "fan_out must be true or false, got 'yes'"),
        ("fan_out=", 400, "fan_out must be true or false, got ''"),
    ],
)
async def test_wrong_parameter_is_refused(stage: Stage, by: str, query: str, status: int, line: str) -> None:
    """On a WebSocket it is that of the handshake."""
    await stage.serve()
    await stage.make_and_see(channels=2)
    raw = await stage.connect()
    request = stage.request(query) if by == "frames" else b"POST /send?%b HTTP/1.1\r\nHost: x\r\n\r\n" % query.encode()
    answer = await raw.ask(request)
    assert (status, line) == (answer.status, answer.line)
