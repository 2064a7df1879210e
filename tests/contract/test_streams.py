"""Answers without end: chunked, begun and ended in order, kept open by heartbeats; events with ids."""

import asyncio
import re

import pytest

from tests.contract.clients import STREAM_TRANSPORTS, Streaming, Update
from tests.contract.raw import Answer, Raw, get
from tests.contract.stage import Stage

STREAMS = pytest.mark.parametrize("transport", STREAM_TRANSPORTS)
ONLY_SSE = pytest.mark.parametrize("transport", ["sse"])
LAST_CHUNK = b"0\r\n\r\n"


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates]


async def listening(stage: Stage, *headers: str, query: str = "") -> tuple[Raw, Answer]:
    """Return a bare connection with a stream on it, and the head of the answer."""
    raw = await stage.connect()
    return raw, await raw.ask(stage.request(query, *headers))


def chunks_in(body: bytes) -> list[bytes]:
    """Return the chunks of a body, all of which must be whole."""
    found = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        found.append(body[:length])
        assert b"\r\n" == body[length : length + 2]
        body = body[length + 2 :]
    return found


@STREAMS
async def test_head_names_type_and_cursor_and_keeps_caches_away(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    _, answer = await listening(stage)

    assert (200, stage.at(2)) == (answer.status, answer.cursor)
    assert {"sse": "text/event-stream", "stream": "application/x-ndjson"}[stage.transport.name] == answer.headers[
        "content-type"
    ]
    assert ("chunked", "no-store") == (answer.headers["transfer-encoding"], answer.headers["cache-control"])
    assert "content-length" not in answer.headers


@STREAMS
async def test_each_update_is_one_chunk_also_for_a_client_that_catches_up(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    late = await stage.subscribe(stage.at(0))
    assert [1, 2, 3] == seqs(await late.receive(3))
    await stage.make(2)
    assert [4, 5] == seqs(await late.receive(2))


@pytest.mark.long
@STREAMS
async def test_stop_ends_the_answer_with_its_last_chunk(stage: Stage) -> None:
    await stage.serve()
    raw, _ = await listening(stage)
    await stage.make_and_see()
    stopping = asyncio.ensure_future(stage.server.stop())
    body = await raw.rest()
    await stopping

    assert b"" == chunks_in(body)[-1]
    assert body.endswith(LAST_CHUNK)


@pytest.mark.long
@STREAMS
async def test_slow_reader_gets_its_last_chunk_or_nothing(stage: Stage) -> None:
    """A client that reads everything never gets it."""
    await stage.serve()
    client = await stage.subscribe()
    assert isinstance(client, Streaming)
    await stage.make(50)
    assert list(range(1, 51)) == seqs(await client.receive(50))
    assert not client.has_ended


@pytest.mark.long
@STREAMS
async def test_heartbeats_keep_a_quiet_stream_open_and_are_counted_apart(stage: Stage) -> None:
    await stage.serve(heartbeat_seconds=0.02)
    raw, _ = await listening(stage)
    beat = {"sse": b"2\r\n:\n\r\n", "stream": b"1\r\n\n\r\n"}[stage.transport.name]
    body = b""
    while body.count(beat) < 3:
        body += await raw.some()
    await stage.make_and_see()
    metrics = await stage.server.metrics()

    assert 3 * len(beat) <= metrics["wirerace_heartbeat_bytes_total"]
    assert 1 == metrics["wirerace_deliveries_total"]
    raw.reset()
    await stage.server.until_metric("clients", 0)


@STREAMS
async def test_no_heartbeat_is_sent_where_none_is_wanted(stage: Stage) -> None:
    await stage.serve(heartbeat_seconds=0)
    await listening(stage)
    await stage.make_and_see(3)

    assert 0 == await stage.server.metric("heartbeat_bytes_total")


@STREAMS
@pytest.mark.parametrize(
    "accept", ["*/*", "text/*, application/*", "text/html, */*;q=0.1", "TYPE", "TYPE;q=0.5", "", "TYPE;q=0, TYPE;a=1"]
)
async def test_type_that_is_accepted_is_sent(stage: Stage, accept: str) -> None:
    await stage.serve()
    kind = stage.client_type.accepts  # type: ignore[attr-defined]
    raw = await stage.connect()

    assert 200 == (await raw.ask(get(stage.transport.path, f"Accept: {accept.replace('TYPE', kind)}"))).status


@STREAMS
@pytest.mark.parametrize("accept", ["text/html", "image/*", "TYPE;q=0", "*/*;q=0", "TYPE;q=0.000, text/html"])
async def test_type_that_is_excluded_gets_406_and_the_type_that_there_is(stage: Stage, accept: str) -> None:
    await stage.serve()
    kind = stage.client_type.accepts  # type: ignore[attr-defined]
    raw = await stage.connect()
    answer = await raw.ask(get(stage.transport.path, f"Accept: {accept.replace('TYPE', kind)}"))

    assert 406 == answer.status
    assert kind in answer.line
    assert 200 == (await raw.ask(get(stage.transport.path))).status, "the connection is kept"


@pytest.mark.long
@STREAMS
async def test_http_1_0_gets_the_same_content_without_chunks(stage: Stage) -> None:
    """So a reverse proxy asks that is left at its defaults. Also what is kept, and what comes later."""
    await stage.serve()
    await stage.make_and_see(2)
    raw, other = await stage.connect(), await stage.subscribe(stage.at(0))
    await raw.send(get(f"{stage.transport.path}?after={stage.at(0)}", version="1.0"))
    head, _, content = (await raw.some()).partition(b"\r\n\r\n")
    while b'"seq":2' not in content:
        content += await raw.some()
    await stage.make()
    while b'"seq":3' not in content:
        content += await raw.some()
    await stage.server.stop()
    content += await raw.rest()

    assert (b"connection: close" in head.lower(), b"transfer-encoding" in head.lower()) == (True, False)
    marks = [b'"seq":1', b'"seq":2', b'"seq":3']
    assert marks == sorted(marks, key=content.index)
    assert b"\r\n" not in content, "no chunk is left of it"
    assert [1, 2, 3] == seqs(await other.receive(3))


@STREAMS
async def test_head_is_refused_with_the_method_that_there_is(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(get(stage.transport.path, method="HEAD"))
    answer = await raw.answer(to_head=True)

    assert (405, "GET") == (answer.status, answer.headers["allow"])


@STREAMS
async def test_next_request_on_the_connection_waits_for_ever_and_harms_nobody(stage: Stage) -> None:
    """The answer before it has no end."""
    await stage.serve()
    raw, _ = await listening(stage)
    await raw.send(get("/health"))
    other = await stage.subscribe()
    await stage.make(3)

    assert [1, 2, 3] == seqs(await other.receive(3))
    assert 2 == await stage.server.metric("clients")


@ONLY_SSE
async def test_stream_begins_with_a_time_to_wait_and_its_cursor(stage: Stage) -> None:
    await stage.serve(retry_seconds=0.25)
    await stage.make_and_see(2)
    raw, _ = await listening(stage)
    (first,) = chunks_in(await raw.some())

    assert f"retry: 250\nid: {stage.at(2)}\n\n" == first.decode()


@ONLY_SSE
async def test_event_is_the_update_and_its_id_the_cursor(stage: Stage) -> None:
    await stage.serve(retry_seconds=0)
    raw, _ = await listening(stage)
    assert re.fullmatch("id: [0-9a-z]+-0\n\n", chunks_in(await raw.some())[0].decode())
    await stage.make()
    (event,) = chunks_in(await raw.some())
    identity, data, *rest = event.decode().split("\n")

    assert f"id: {stage.at(1)}" == identity
    assert 1 == Update.parse(data.removeprefix("data: ").encode()).seq
    assert ["", ""] == rest


@ONLY_SSE
async def test_last_event_id_resumes_and_counts_more_than_the_url(stage: Stage) -> None:
    """A browser that reconnects asks for the same URL, with the id of the last event in a header."""
    await stage.serve()
    await stage.make_and_see(4)
    for query in ("", f"after={stage.at(1)}"):
        raw, answer = await listening(stage, f"Last-Event-ID: {stage.at(3)}", query=query)
        body = b""
        while b"data: " not in body:
            body += await raw.some()

        assert stage.at(3) == answer.cursor
        assert [f"id: {stage.at(4)}".encode()] == re.findall(rb"^id: .*-4$", body, re.MULTILINE)
        assert not re.search(rb"^id: .*-2$", body, re.MULTILINE)


@ONLY_SSE
@pytest.mark.parametrize("given", ["x", "k3f9", "k3f9-", "K-1", "k3f9-01", "k3f9-1 ", "-1", "ünï-1", "k3f9-1,k3f9-2"])
async def test_last_event_id_that_is_no_cursor_is_refused_by_its_name(stage: Stage, given: str) -> None:
    await stage.serve()
    raw = await stage.connect()
    request = stage.request().replace(b"\r\n\r\n", f"\r\nLast-Event-ID: {given}\r\n\r\n".encode())
    answer = await raw.ask(request)

    if given.strip() == "k3f9-1":
        assert 200 == answer.status, "blanks around a value are no part of it"
    else:
        assert (400, True) == (answer.status, answer.line.startswith("Last-Event-ID must be")), answer


@ONLY_SSE
async def test_empty_last_event_id_is_none(stage: Stage) -> None:
    """A browser sends none when it has none; programs may send an empty one."""
    await stage.serve()
    await stage.make_and_see(2)
    _, answer = await listening(stage, "Last-Event-ID:")

    assert stage.at(2) == answer.cursor
