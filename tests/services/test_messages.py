"""The producer's POST /messages: what servers pass on becomes updates, once, and what is damaged becomes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.keys import MOST_GAPS
from services.record import Record
from services.relay import AT_ONCE_MESSAGES
from tests.contract.feeds import SELDOM, HttpFollow, Start, followers, producers, put, truth
from tests.contract.raw import Answer, get
from tests.contract.stage import Running
from wirerace.wire.update import Update
from wirerace.workload.trace import MOST_PAYLOAD_BYTES
from wirerace.workload.truth import Sent

SENT_NS = 1_790_000_000_000_000_000


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Return a function that starts a producer."""
    async with producers() as start:
        yield start


@pytest.fixture
async def follow() -> AsyncIterator[HttpFollow]:
    """Return a function that follows a producer's feed."""
    async with followers() as follow:
        yield follow


async def passed(producer: Running, *messages: Any) -> Answer:
    return await producer.ask(get("/messages", method="POST", body=json.dumps(messages).encode()))


def one(n: int, client: str = "ann", data: str = "x", channel: str = "") -> list[Any]:
    return [channel, client, n, SENT_NS + n, data]


async def outcomes(producer: Running, *messages: Any) -> list[bool]:
    answer = await passed(producer, *messages)
    assert 200 == answer.status, answer
    return list(json.loads(answer.body))


async def test_messages_become_updates_of_their_channels_in_order(start: Start, follow: HttpFollow) -> None:
    producer = await start()
    await put(producer, SELDOM | {"channels": 2})
    feed = await follow(producer)
    assert [True] * 3 == await outcomes(producer, one(1, channel="2"), one(2), one(3, channel="2"))
    await feed.line()  # the heads
    lines = [json.loads((await feed.line()).partition(b" ")[2] or b"null") for _ in range(3)]
    assert [("2", 2, 1), (None, 1, 2), ("2", 3, 3)] == [(up.get("channel"), up["seq"], up["n"]) for up in lines]
    assert 5 == await producer.metric("updates_total")
    assert 3 == await producer.metric('messages_total{outcome="accepted"}')


async def test_message_of_an_unknown_channel_is_refused_and_the_others_are_taken(start: Start) -> None:
    producer = await start()
    assert [True, False, True] == await outcomes(producer, one(1), one(2, channel="9"), one(3))
    assert 1 == await producer.metric('messages_total{outcome="refused"}')
    await put(producer, SELDOM | {"channels": 9})
    assert [True] == await outcomes(producer, one(2, channel="9")), "its key was not noted"


async def test_number_that_leaves_one_gap_too_many_is_refused(start: Start) -> None:
    producer = await start()
    for begin in range(0, MOST_GAPS, 500):
        numbers = range(2 * begin + 2, 2 * begin + 1_002, 2)
        assert all(await outcomes(producer, *map(one, numbers)))
    highest = 2 * MOST_GAPS
    assert [False, True, True] == await outcomes(producer, one(highest + 2), one(highest + 1), one(1))


DAMAGED: dict[str, bytes] = {
    "nothing": b"",
    "no list": b"{}",
    "no messages": b"[1]",
    "an object": json.dumps([{"client": "ann"}]).encode(),
    "too few fields": json.dumps([one(1)[:4]]).encode(),
    "too many fields": json.dumps([[*one(1), "x"]]).encode(),
    "no name": json.dumps([one(1), one(2, client="a b")]).encode(),
    "an empty name": json.dumps([one(1), one(2, client="")]).encode(),
    "number 0": json.dumps([one(1), one(0)]).encode(),
    "more than an update can have": json.dumps([one(1), one(2, data="x" * (MOST_PAYLOAD_BYTES + 1))]).encode(),
    "more than a server passes on": json.dumps([one(n) for n in range(1, AT_ONCE_MESSAGES + 2)]).encode(),
    "50,000 brackets": b"[" * 50_000,
    "half of a surrogate pair": json.dumps([one(1, data="\ud83d")]).encode(),
}


@pytest.mark.parametrize("what", DAMAGED)
async def test_what_is_damaged_is_refused_as_a_whole(start: Start, what: str) -> None:
    producer = await start()
    answer = await producer.ask(get("/messages", "Content-Type: x", method="POST", body=DAMAGED[what] or b" "))
    assert (400, True) == (answer.status, answer.line.startswith("messages")), answer
    assert 0 == await producer.metric("updates_total")
    assert [True] == await outcomes(producer, one(1)), "its key was not noted"


async def test_nothing_at_all_is_answered_with_nothing(start: Start) -> None:
    assert [] == await outcomes(await start())


@pytest.mark.long
async def test_largest_message_reaches_a_follower(start: Start, follow: HttpFollow) -> None:
    """Spelled with six bytes for each of its characters, a line still has fewer than a server takes."""
    producer = await start()
    feed = await follow(producer)
    assert [True] == await outcomes(producer, one(1, data="\u0001" * MOST_PAYLOAD_BYTES))
    received = b""
    async with asyncio.timeout(30):
        while not received.endswith(b"}\n"):
            received += await feed.response.content.readany()
    assert "\u0001" * MOST_PAYLOAD_BYTES == json.loads(received)["data"]
    assert len(received) < 8 * 1024 * 1024


async def test_producer_that_stops_takes_no_more(start: Start) -> None:
    """No server would get the update, and its sender would not send it again."""
    producer = await start()
    producer.service.end()
    answer = await passed(producer, one(1))
    assert (503, "the producer stops: try again") == (answer.status, answer.line)
    assert 0 == (await truth(producer)).count


async def test_page_of_another_origin_makes_no_update(start: Start) -> None:
    producer = await start()
    request = get("/messages", "Origin: http://page.example", method="POST", body=json.dumps([one(1)]).encode())
    assert 403 == (await producer.ask(request)).status


async def test_new_producer_with_the_same_record_makes_no_message_again(start: Start, tmp_path: Path) -> None:
    path = str(tmp_path / "record")
    first = await start(record_file=path)
    await put(first, SELDOM | {"channels": 2})
    assert [True] * 2 == await outcomes(first, one(1), one(2, channel="2"))
    await first.stop()
    second = await start(record_file=path)
    await put(second, SELDOM | {"channels": 2})
    assert [True] * 3 == await outcomes(second, one(1), one(2, channel="2"), one(3))
    messages = [sent for epoch in (await truth(second)).epochs for sent in epoch.messages.values()]
    assert {Sent("ann", n, SENT_NS + n) for n in (1, 2, 3)} == set(messages)
    assert 3 == len(messages)
    assert 2 == await second.metric('messages_total{outcome="repeated"}')


@pytest.mark.usefixtures("small_parts")
def test_record_has_messages_by_their_updates_over_many_parts(tmp_path: Path) -> None:
    def read(record: Record, from_ns: int) -> dict[int, str]:
        epochs = record.between(from_ns, 2**62).epochs
        return {seq: sent.client for made in epochs for seq, sent in made.messages.items()}

    path = tmp_path / "record"
    with closing(Record(path)) as record:
        for seq in range(1, 11):
            client = f"c{seq}" if seq % 3 else ""
            record.add(Update("e0", seq, 10 * seq, "", "", client, seq if client else 0, seq if client else 0), 0)
        expected = {seq: f"c{seq}" for seq in range(1, 11) if seq % 3}
        assert expected == read(record, 0)
        assert {seq: name for seq, name in expected.items() if seq > 5} == read(record, 51)
    with closing(Record(path)) as restored:
        assert expected == read(restored, 0)


@pytest.mark.parametrize(
    "line", ['["e0",2,20,0,"","a b",1,5]', '["e0",2,20,0,"","ann",0,5]', '["e0",2,20,0,"","ann",-1,5]']
)
def test_line_of_a_record_whose_message_is_none_is_skipped(tmp_path: Path, line: str) -> None:
    path = tmp_path / "record"
    path.write_text(f'["e0",1,10,0,"","ann",1,5]\n{line}\n["e0",3,30,0,"","ann",2,5]\n')
    with closing(Record(path)) as record:
        assert [("ann", 1), ("ann", 2)] == list(record.messages())
        assert not record.between(0, 100).complete
