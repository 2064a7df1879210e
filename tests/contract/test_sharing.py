"""CORS: pages of allowed origins may read updates, no others may, and where none is allowed no answer changes."""

import pytest

from tests.contract.clients import WEBSOCKET_TRANSPORTS
from tests.contract.raw import Answer, get
from tests.contract.stage import Stage
from wirerace.transports import TRANSPORTS

PAGE, OTHER = "http://page.example:8090", "http://other.example"
SHARED = {
    "vary": "Origin",
    "access-control-allow-origin": PAGE,
    "access-control-expose-headers": "Wirerace-Cursor, ETag",
    "timing-allow-origin": PAGE,
}
"""What a page needs to read an answer, its cursor and tag, and to see its size and times."""
ALLOWED = f"https://first.example,{PAGE}"
FETCHED = [name for name in TRANSPORTS if name not in WEBSOCKET_TRANSPORTS]


def sharing_of(answer: Answer) -> dict[str, str]:
    """Return the headers that are there for pages."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name in {"vary", "timing-allow-origin"} or name.startswith("access-control-")
    }


async def ask(stage: Stage, *headers: str, query: str = "hold=0") -> Answer:
    return await (await stage.connect()).ask(stage.request(query, *headers))


async def preflight(stage: Stage, origin: str) -> Answer:
    headers = (
        f"Origin: {origin}",
        "Access-Control-Request-Method: GET",
        "Access-Control-Request-Headers: if-none-match",
    )
    return await (await stage.connect()).ask(get(stage.transport.path, *headers, method="OPTIONS"))


@pytest.mark.parametrize("allowed", ["", "*"])
@pytest.mark.parametrize("origin", [PAGE, "null"])
async def test_no_answer_has_a_byte_for_pages_unless_an_origin_is_named(
    stage: Stage, allowed: str, origin: str
) -> None:
    await stage.serve(allowed_origins=allowed)
    await stage.make_and_see(1)
    plain = await ask(stage)
    from_page = await ask(stage, *([f"Origin: {origin}"] if stage.transport.name in FETCHED else []))

    assert {} == sharing_of(plain) | sharing_of(from_page)
    assert plain.headers.keys() == from_page.headers.keys()
    refused = await preflight(stage, origin)
    assert (405, "GET", {}) == (refused.status, refused.headers["allow"], sharing_of(refused))


@pytest.mark.parametrize("transport", FETCHED)
async def test_page_of_an_allowed_origin_reads_answers_with_updates_and_without(stage: Stage) -> None:
    await stage.serve(allowed_origins=ALLOWED)
    await stage.make_and_see(1)
    for query in ("hold=0", f"after={stage.at(0)}"):
        answer = await ask(stage, f"Origin: {PAGE}", query=query)

        assert answer.status in {200, 204}
        assert SHARED == sharing_of(answer)
        assert answer.cursor


@pytest.mark.parametrize("transport", FETCHED)
async def test_page_of_another_origin_reads_nothing_and_caches_keep_them_apart(stage: Stage) -> None:
    await stage.serve(allowed_origins=ALLOWED)
    for headers in ([f"Origin: {OTHER}"], ["Origin: null"], []):
        assert {"vary": "Origin"} == sharing_of(await ask(stage, *headers))


@pytest.mark.parametrize("transport", FETCHED)
async def test_page_may_read_why_it_is_refused(stage: Stage) -> None:
    await stage.serve(allowed_origins=PAGE)
    answer = await ask(stage, f"Origin: {PAGE}", query="after=nonsense")

    assert (400, SHARED) == (answer.status, sharing_of(answer))


@pytest.mark.parametrize("transport", ["polling"])
async def test_page_polls_conditionally_after_one_preflight(stage: Stage) -> None:
    await stage.serve(allowed_origins=PAGE)
    await stage.make_and_see(1)
    raw, page = await stage.connect(), f"Origin: {PAGE}"
    asked = await raw.ask(get("/poll", page, "Access-Control-Request-Method: GET", method="OPTIONS"))
    first = await raw.ask(get("/poll", page, f'If-None-Match: "{stage.at(0)}"'))
    again = await raw.ask(get("/poll", page, f"If-None-Match: {first.headers['etag']}"))

    assert (204, 200, 304) == (asked.status, first.status, again.status)
    assert SHARED == sharing_of(first) == sharing_of(again)
    assert raw.received_bytes == await stage.server.metric("sent_bytes_total")
    assert raw.sent_bytes == await stage.server.metric("received_bytes_total")


async def test_preflight_says_what_an_allowed_page_may_send(stage: Stage) -> None:
    await stage.serve(allowed_origins=PAGE)
    answer = await preflight(stage, PAGE)

    may = {
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "If-None-Match, Last-Event-ID",
        "access-control-max-age": "600",
    }
    assert (204, SHARED | may) == (answer.status, sharing_of(answer))


async def test_preflight_of_another_page_is_answered_without_leave(stage: Stage) -> None:
    await stage.serve(allowed_origins=PAGE)
    answer = await preflight(stage, OTHER)

    assert (204, {"vary": "Origin"}) == (answer.status, sharing_of(answer))


@pytest.mark.parametrize("transport", ["polling"])
async def test_page_that_may_read_may_not_set_the_schedule_directly(stage: Stage) -> None:
    """The preflight of a PUT stays unanswered, and nothing but updates can be read."""
    await stage.serve(allowed_origins=PAGE)
    producer = await stage._start(type(stage.producer.service), idle=True, allowed_origins=PAGE)
    asked = await producer.ask(get("/schedule", f"Origin: {PAGE}", method="OPTIONS"))
    read = await producer.ask(get("/updates?from=0&to=1", f"Origin: {PAGE}"))

    assert (405, 200) == (asked.status, read.status)
    assert {} == sharing_of(asked) | sharing_of(read)


@pytest.mark.parametrize("transport", ["polling"])
async def test_two_pages_get_answers_of_their_own(stage: Stage) -> None:
    """Answers are encoded once and shared: not between pages."""
    await stage.serve(allowed_origins=f"{PAGE},{OTHER}")
    origins = [
        (await ask(stage, f"Origin: {origin}")).headers["access-control-allow-origin"] for origin in (PAGE, OTHER)
    ]

    assert [PAGE, OTHER] == origins
