"""/received: what a server has received of the messages that were to be sent in a window, by its own record."""

import time

import msgspec
import pytest

from tests.contract.senders import SENDERS, SENT_NS, every_way, message
from tests.contract.stage import Stage
from wirerace.workload.upstream import Received

pytestmark = every_way


async def received(stage: Stage, from_ns: int, to_ns: int) -> Received:
    answer = await stage.server.get(f"/received?from={from_ns}&to={to_ns}")
    assert (200, "application/json") == (answer.status, answer.headers["content-type"])
    return msgspec.json.decode(answer.body, type=Received)


async def test_window_has_the_messages_from_its_begin_to_before_its_end(stage: Stage, by: str) -> None:
    await stage.serve()
    ann = await SENDERS[by].open(stage)
    replies = await ann.send_all(message(n) for n in range(1, 6))
    bob = (await ann.send(message(1, "bob", ts=SENT_NS + 3))).received
    found = await received(stage, SENT_NS + 2, SENT_NS + 4)
    times = [reply.received for reply in replies]
    expected = {"ann": [[2, SENT_NS + 2, times[1]], [3, SENT_NS + 3, times[2]]], "bob": [[1, SENT_NS + 3, bob]]}
    assert expected == msgspec.to_builtins(found.messages)


async def test_repeats_are_counted_by_the_time_of_their_message_and_refused_messages_are_not(
    stage: Stage, by: str
) -> None:
    await stage.serve()
    ann = await SENDERS[by].open(stage)
    await ann.send_all([message(1), message(2), message(2), message(1), message(2), message(2, data="other"), b"{}"])
    assert 3 == (await received(stage, 0, 2**62)).repeated
    assert 2 == (await received(stage, SENT_NS + 2, 2**62)).repeated
    assert [1, 2] == [one.n for one in (await received(stage, 0, 2**62)).messages["ann"]]


async def test_message_that_the_producer_did_not_take_is_received_even_so(stage: Stage, by: str) -> None:
    await stage.serve()
    stage.link.cut()
    assert 503 == (await (await SENDERS[by].open(stage, "fan_out=true")).send(message(1))).status
    assert [1] == [one.n for one in (await received(stage, 0, 2**62)).messages["ann"]]


async def test_window_that_begins_before_the_server_did_is_not_complete(stage: Stage, by: str) -> None:
    before_ns = time.time_ns()
    await stage.serve()
    after_ns = time.time_ns()
    ann = await SENDERS[by].open(stage)
    await ann.send(message(1, ts=after_ns))
    assert (False, True) == tuple([(await received(stage, ns, 2**62)).complete for ns in (before_ns, after_ns)])
    assert Received(complete=True) == await received(stage, after_ns + 1, 2**62)


@pytest.mark.parametrize("query", ["", "from=1", "from=x&to=2", "from=-1&to=2", "from=1&to=1e9"])
async def test_window_that_is_none_is_refused(stage: Stage, by: str, query: str) -> None:  # noqa: ARG001 -- of all ways
    await stage.serve()
    answer = await stage.server.get(f"/received?{query}")
    assert 400 == answer.status
    assert "must be a time in Unix nanoseconds" in answer.line


async def test_bytes_of_a_look_at_the_record_are_not_counted(stage: Stage, by: str) -> None:
    await stage.serve()
    ann = await SENDERS[by].open(stage)
    await ann.send(message(1))
    before = await stage.server.metrics()
    await received(stage, 0, 1)
    after = await stage.server.metrics()
    for name in ("sent_bytes_total", "received_bytes_total"):
        assert before[f"wirerace_{name}"] == after[f"wirerace_{name}"]
    assert ann.raw.sent_bytes == after["wirerace_received_bytes_total"]
    assert ann.raw.received_bytes == after["wirerace_sent_bytes_total"]
