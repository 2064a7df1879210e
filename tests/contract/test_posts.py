"""Messages as requests: every refusal of HTTP, and what becomes of the connection and of the counts."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.contract.raw import Raw, get
from tests.contract.senders import message, messages_counted, post
from tests.contract.stage import Stage

PAGE = "http://page.example:8090"
LARGEST = 1_000
TOO_LARGE = f"a message has at most {LARGEST} bytes: send less"


def of_size(size_bytes: int, n: int = 1) -> bytes:
    """Return a message of that size in bytes."""
    return message(n, data="x" * (size_bytes - len(message(n, data=""))))


def chunked(*parts: bytes, whole: bool = True) -> bytes:
    """Return a request whose body has no length."""
    head = get("/send", "Transfer-Encoding: chunked", method="POST")
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + (b"0\r\n\r\n" if whole else b"")


@pytest.mark.parametrize("spelled", [post, chunked])
async def test_message_of_the_largest_size_is_taken_and_a_larger_one_is_not(stage: Stage, spelled: object) -> None:
    assert callable(spelled)
    await stage.serve(max_message_bytes=LARGEST)
    assert 200 == (await (await stage.connect()).ask(spelled(of_size(LARGEST)))).status
    raw = await stage.connect()
    answer = await raw.ask(spelled(of_size(LARGEST + 1, 2)))
    assert (413, TOO_LARGE) == (answer.status, answer.line)
    assert (1, 0, 1) == await messages_counted(stage)


async def test_body_that_is_too_large_is_refused_before_it_has_come(stage: Stage) -> None:
    """With a length at its head, without one at the byte above the limit. The rest need not come."""
    await stage.serve(max_message_bytes=LARGEST)
    head = get("/send", "Content-Length: 1000000000", method="POST")
    endless = chunked(b"x" * LARGEST, b"x", whole=False)
    for request in (head, endless):
        answer = await (await stage.connect()).ask(request)
        assert (413, TOO_LARGE) == (answer.status, answer.line)


async def test_body_in_pieces_is_taken_when_it_is_whole(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    encoded = message(1)
    for request in (post(encoded), chunked(encoded[:5], encoded[5:])):
        for byte in request:
            await raw.send(bytes([byte]))
        assert 200 == (await raw.answer()).status
    assert (1, 1, 0) == await messages_counted(stage)


DAMAGES = {"no size of a chunk": b"zz\r\n", "more than the size of a chunk": b"3\r\nabcdef\r\n0\r\n\r\n"}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_body_whose_framing_is_damaged_is_refused_at_once(stage: Stage, damage: str) -> None:
    """Also when its beginning has been read already."""
    await stage.serve()
    for pieces in ([chunked(b"abc", whole=False) + DAMAGES[damage]], [chunked(b"abc", whole=False), DAMAGES[damage]]):
        raw = await stage.connect()
        for piece in pieces:
            await raw.send(piece)
            await stage.server.until_health(200)  # it has read the first piece
        answer = await raw.answer()
        assert (400, "close") == (answer.status, answer.headers["connection"])
        assert b"" == await raw.rest()
    assert (0, 0, 1) == await messages_counted(stage)


async def test_client_that_waits_for_a_hundred_gets_it_before_its_body(stage: Stage) -> None:
    await stage.serve(max_message_bytes=LARGEST)
    raw = await stage.connect()
    head, _, body = post(message(1), "", "Expect: 100-continue").partition(b"\r\n\r\n")
    assert 100 == (await raw.ask(head + b"\r\n\r\n")).status
    assert 200 == (await raw.ask(body)).status
    large = post(of_size(LARGEST + 1), "", "Expect: 100-continue").partition(b"\r\n\r\n")[0]
    assert 413 == (await raw.ask(large + b"\r\n\r\n")).status
    assert raw.received_bytes == await stage.server.metric("sent_bytes_total")
    other = await raw_answer_status(stage, post(message(1), "", "Expect: a-miracle"))
    assert 417 == other


async def raw_answer_status(stage: Stage, request: bytes) -> int:
    return (await (await stage.connect()).ask(request)).status


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_method_gets_405_and_the_one_that_is_allowed(stage: Stage, method: str) -> None:
    await stage.serve()
    answer = await (await stage.connect()).ask(get("/send", method=method))
    assert (405, "POST") == (answer.status, answer.headers["allow"])


async def test_head_gets_405_without_a_body(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(get("/send", method="HEAD"))
    assert 405 == (await raw.answer(to_head=True)).status
    assert 200 == (await raw.ask(post(message(1)))).status


async def test_http_1_0_is_answered_and_closed(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    answer = await raw.ask(post(message(1), version="1.0"))
    assert (200, "close") == (answer.status, answer.headers["connection"])
    assert b"" == await raw.rest()


async def test_client_that_ends_its_sending_side_gets_its_answer(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(post(message(1), "fan_out=true"))
    raw.end_sending()
    assert 200 == (await raw.answer()).status
    assert b"" == await raw.rest()


async def test_server_without_a_feed_refuses_and_says_when_to_try_again(stage: Stage) -> None:
    stage.link.cut()
    await stage.serve_soon()
    answer = await (await stage.connect()).ask(post(message(1)))
    assert (503, "no feed from the producer yet: try again") == (answer.status, answer.line)
    assert "1" == answer.headers["retry-after"]
    assert (0, 0, 1) == await messages_counted(stage)


async def test_too_many_are_answered_with_the_time_to_wait(stage: Stage) -> None:
    await stage.serve(max_messages_per_second=1)
    stage.server.service.inbox._clock = lambda: 5  # type: ignore[attr-defined]
    raw = await stage.connect()
    assert 200 == (await raw.ask(post(message(1)))).status
    answer = await raw.ask(post(message(2)))
    assert (429, "1") == (answer.status, answer.headers["retry-after"])
    assert 429 == (await raw.ask(post(message(1)))).status, "repeats are messages, too"


@pytest.mark.parametrize("headers", [[f"Origin: {PAGE}"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"]])
async def test_page_of_another_origin_is_refused(stage: Stage, headers: list[str]) -> None:
    await stage.serve()
    assert 403 == await raw_answer_status(stage, post(message(1), "", *headers))
    assert (0, 0, 0) == await messages_counted(stage)


async def test_page_of_an_allowed_origin_sends_after_a_preflight(stage: Stage) -> None:
    await stage.serve(allowed_origins=PAGE)
    raw = await stage.connect()
    asking = get("/send", f"Origin: {PAGE}", "Access-Control-Request-Method: POST", method="OPTIONS")
    asked = await raw.ask(asking)
    assert (204, "POST, OPTIONS", "POST", "Content-Type") == (
        asked.status,
        asked.headers["allow"],
        asked.headers["access-control-allow-methods"],
        asked.headers["access-control-allow-headers"],
    )
    for encoded, status in ((message(1), 200), (b"{}", 400)):
        answer = await raw.ask(post(encoded, "", f"Origin: {PAGE}", "Content-Type: application/json"))
        assert (status, PAGE) == (answer.status, answer.headers["access-control-allow-origin"])
    assert raw.received_bytes == await stage.server.metric("sent_bytes_total")
    assert raw.sent_bytes == await stage.server.metric("received_bytes_total")


def outcomes() -> Iterator[tuple[int, str, bytes, bool]]:
    """Yield status, name, request, and whether the connection stays: it does if the body was read."""
    yield 200, "taken", post(message(1)), True
    yield 200, "repeated", post(message(1)), True
    yield 409, "another one", post(message(1, data="other")), True
    yield 400, "no message", post(b"{}"), True
    yield 404, "no channel", post(message(2), "channel=x"), False
    yield 400, "no parameter", post(message(2), "fan_out=x"), False
    yield 413, "too large", post(of_size(LARGEST + 1)), False
    yield 415, "encoded", post(message(2), "", "Content-Encoding: gzip"), False
    yield 404, "no channel and no body", get("/send?channel=x", method="POST"), True


async def test_connection_stays_after_each_answer_to_a_body_that_was_read(stage: Stage) -> None:
    await stage.serve(max_message_bytes=LARGEST)
    for status, name, request, stays in outcomes():
        raw = await stage.connect()
        answer = await raw.ask(request)
        assert status == answer.status, name
        assert stays == ("connection" not in answer.headers), name
        if stays:
            assert 200 == (await raw.ask(get("/health"))).status, name
        else:
            assert b"" == await raw.rest(), name


async def test_connection_that_only_sends_is_no_client_and_its_bytes_count(stage: Stage) -> None:
    await stage.serve(max_message_bytes=LARGEST)
    raws: list[Raw] = []
    for _, _, request, _ in outcomes():
        raws.append(await stage.connect())
        await raws[-1].ask(request)
    raws.pop(-2).abort()  # 415 comes before the path is looked at
    metrics = await stage.server.metrics()
    assert 0 == metrics["wirerace_clients"]
    assert 0 == metrics['wirerace_responses_total{outcome="error"}']
    assert sum(raw.sent_bytes for raw in raws) == metrics["wirerace_received_bytes_total"]
    assert sum(raw.received_bytes for raw in raws) == metrics["wirerace_sent_bytes_total"]
    assert (1, 1, 6) == await messages_counted(stage)


async def test_client_may_ask_for_updates_and_send_on_one_connection(stage: Stage) -> None:
    """Where a request for updates has an end."""
    await stage.serve()
    raw = await stage.connect()
    assert 200 == (await raw.ask(post(message(1)))).status
    bad = await raw.ask(stage.request("after=x"))
    assert 400 == bad.status
    assert 200 == (await raw.ask(post(message(2)))).status
    metrics = await stage.server.metrics()
    assert (1, 1) == (metrics["wirerace_clients"], metrics['wirerace_responses_total{outcome="error"}'])
    assert raw.sent_bytes == metrics["wirerace_received_bytes_total"]
    assert raw.received_bytes == metrics["wirerace_sent_bytes_total"]


@pytest.mark.long  # megabytes fill the kernel's buffers first
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_client_that_reads_no_acknowledgements_is_cut_off_and_others_are_not(stage: Stage) -> None:
    await stage.serve(high_water_bytes=4096, max_messages_per_second=10**6)
    ann, bob = await stage.connect(), await stage.connect()
    flood, rounds = post(message(1)) * 1_000, 0
    with contextlib.suppress(ConnectionError):
        while not await stage.server.metric("slow_readers_total"):
            await ann.send(flood)
            rounds += 1
            assert rounds < 1_000
    assert 1 == await stage.server.metric("slow_readers_total")
    assert 200 == (await bob.ask(post(message(1, "bob")))).status


async def test_client_that_leaves_before_its_body_is_whole_has_sent_nothing(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(post(message(1))[:-1])
    raw.reset()
    assert 200 == await raw_answer_status(stage, post(message(1)))
    assert (1, 0, 0) == await messages_counted(stage)
