"""The publisher: every update, in order, to a server that takes them one way or another, or does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
import pytest
from aiohttp import web

from services.publisher import PublisherOptions, PublisherService
from wirerace.errors import BadInput
from wirerace.observe.publishing import PublisherQueue, PublisherReport
from wirerace.wire.update import CURSOR_HEADER, Cursor, Update, encode_update

BEARER = "s3cr3t"


def update(seq: int, ts: int = 1_000) -> Update:
    return Update("e0", seq, ts, "x")


class Taker:
    """A server that takes publications, and a feed to follow. `answers` are those to the next ones, 200 afterwards."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.answers: list[Callable[[], web.StreamResponse]] = []
        self.feed: dict[str, asyncio.Queue[bytes]] = {}
        self.feeds: list[str] = []
        self.connections: set[object] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/feed":
            return await self._feed(request)
        self.connections.add(request.transport)
        headers = request.headers
        self.taken.append((headers["Content-Type"], headers.get("Authorization", ""), await request.content.read()))
        await self.gate.wait()
        return self.answers.pop(0)() if self.answers else web.Response(status=202, text="queued")

    async def _feed(self, request: web.BaseRequest) -> web.StreamResponse:
        self.feeds.append(request.query["after"])
        response = web.StreamResponse(headers={CURSOR_HEADER: "e0-5"})
        await response.prepare(request)
        await response.write(b"\n")
        lines = self.feed.setdefault(f"{request.query['after']} {len(self.feeds)}", asyncio.Queue())
        while True:
            await response.write(await lines.get())

    def make(self, *seqs: int) -> None:
        for lines in [lines for after, lines in self.feed.items() if not after.startswith("0-0")]:
            for seq in seqs:
                lines.put_nowait(encode_update(update(seq)) + b"\n")

    @property
    def seqs(self) -> list[int]:
        return [msgspec.json.decode(body)["seq"] for _, _, body in self.taken]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 -- the publisher has nobody to tell
            await asyncio.sleep(0.002)


@pytest.fixture
async def taker() -> AsyncIterator[Taker]:
    taker = Taker()
    runner = web.ServerRunner(web.Server(taker.handle, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taker.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield taker
    await runner.cleanup()


@pytest.fixture
async def publish(taker: Taker) -> AsyncIterator[Callable[..., PublisherService]]:
    working: list[asyncio.Task[None]] = []

    def start(**options: object) -> PublisherService:
        given = {"port": 0, "producer_url": taker.url, "publish_url": f"{taker.url}/publish?x=1", **options}
        service = PublisherService(msgspec.convert(given, PublisherOptions))
        working.append(asyncio.create_task(service.work()))
        return service

    yield start
    for work in working:
        assert not work.done(), work
        work.cancel()
    await asyncio.gather(*working, return_exceptions=True)


async def report_of(service: PublisherService) -> PublisherReport:
    response = await service._report(None)  # type: ignore[arg-type]  # it looks at no request
    assert isinstance(response, web.Response)
    return msgspec.json.decode(response.body, type=PublisherReport)  # type: ignore[arg-type]


Publish = Callable[..., PublisherService]


@pytest.mark.parametrize("protocol", ["post", "nchan"])
async def test_updates_are_posted_as_they_are_in_order_on_one_connection(
    taker: Taker, publish: Publish, protocol: str
) -> None:
    service = publish(protocol=protocol)
    await until(lambda: service.live)
    taker.make(6, 7, 8)
    await until(lambda: len(taker.taken) == 3)

    assert [("application/json", "", encode_update(update(seq))) for seq in (6, 7, 8)] == taker.taken
    assert 1 == len(taker.connections)
    assert Cursor("e0", 8) == service.cursor()


async def test_what_was_made_before_the_publisher_came_is_not_published(taker: Taker, publish: Publish) -> None:
    """The first answer of the feed tells where it ends; the second one begins there."""
    service = publish()
    await until(lambda: service.live)

    assert ["0-0", "e0-5"] == taker.feeds


async def test_mercure_gets_a_form_with_topic_data_and_token(
    taker: Taker, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{BEARER}\n")
    publish(protocol="mercure", topic="prices/1", token_file=str(file))
    monkeypatch.setenv("WIRERACE_PUBLISH_TOKEN", "other")
    publish(protocol="mercure", topic="prices/1")
    await until(lambda: len(taker.feeds) == 4)
    taker.make(6)
    await until(lambda: len(taker.taken) == 2)

    assert {f"Bearer {BEARER}", "Bearer other"} == {token for _, token, _ in taker.taken}
    for kind, _, body in taker.taken:
        assert "application/x-www-form-urlencoded" == kind
        assert {"topic": ["prices/1"], "data": [encode_update(update(6)).decode()]} == parse_qs(body.decode())


@pytest.mark.long
async def test_update_that_is_not_taken_is_tried_again_before_the_next_one(taker: Taker, publish: Publish) -> None:
    taker.answers = [lambda: web.Response(status=503), lambda: web.Response(status=429)]
    service = publish()
    await until(lambda: service.live)
    taker.make(6, 7)
    await until(lambda: len(taker.taken) == 4)
    await until(lambda: len(service._answered_ns) == 2)

    assert [6, 6, 6, 7] == taker.seqs
    report = await report_of(service)
    assert (2, 0, 2) == (len(report.answered_ns), report.lost, report.retried)
    assert report.trouble.endswith("/publish?x=1 takes no update: it answers 429: nothing more")
    assert all(sent <= answered for sent, answered in zip(report.sent_ns, report.answered_ns, strict=True))


async def test_lost_connection_is_opened_again(taker: Taker, publish: Publish) -> None:
    service = publish()
    await until(lambda: service.live)
    taker.make(6)
    await until(lambda: len(service._answered_ns) == 1)
    service._link.close()
    taker.make(7)
    await until(lambda: len(service._answered_ns) == 2)

    assert ([6, 7], 0) == (taker.seqs, service._lost)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: web.Response(status=401), "401, it asks for a password or token: see token_file"),
        (lambda: web.Response(status=307, headers={"Location": "/x"}), "307, a redirect: name the place that it"),
        (lambda: web.Response(status=400, text="no\nsuch topic"), "it answers 400: no such topic"),
    ],
)
async def test_refused_update_is_lost_at_once_and_counted_and_the_next_one_goes(
    taker: Taker, publish: Publish, answer: Callable[[], web.Response], said: str
) -> None:
    taker.answers = [answer]
    service = publish()
    await until(lambda: service.live)
    taker.make(6, 7)
    await until(lambda: len(service._answered_ns) == 1)

    report = await report_of(service)
    assert ([6, 7], 1, 0) == (taker.seqs, report.lost, report.retried)
    assert said in report.trouble


async def test_queue_is_bounded_and_what_does_not_fit_is_lost(taker: Taker, publish: Publish) -> None:
    service = publish(most_waiting=2)
    await until(lambda: service.live)
    service._take([encode_update(update(seq)) for seq in (6, 7, 8, 9)])
    await until(lambda: len(service._answered_ns) == 2)

    report = await report_of(service)
    assert ([6, 7], 2, 2) == (taker.seqs, report.lost, report.most_waiting)
    assert (0, []) == ((await report_of(service)).lost, (await report_of(service)).sent_ns)


async def test_queue_has_what_is_under_way_and_what_waits_behind_it(taker: Taker, publish: Publish) -> None:
    async def queue() -> PublisherQueue:
        response = await service._queue(None)  # type: ignore[arg-type]  # it looks at no request
        assert isinstance(response, web.Response)
        return msgspec.json.decode(response.body, type=PublisherQueue)  # type: ignore[arg-type]

    service, gate = publish(), asyncio.Event()
    taker.gate = gate
    await until(lambda: service.live)
    assert PublisherQueue(waiting=0, oldest_ns=None) == await queue()
    service._take([encode_update(update(seq, 100 * seq)) for seq in (6, 7, 8)])
    await until(lambda: len(taker.taken) == 1)
    assert PublisherQueue(waiting=3, oldest_ns=600) == await queue()
    gate.set()
    await until(lambda: len(service._answered_ns) == 3)
    assert PublisherQueue(waiting=0, oldest_ns=None) == await queue()


@pytest.mark.long
async def test_server_that_does_not_answer_loses_the_update(taker: Taker, publish: Publish) -> None:
    service = publish(publish_url="http://127.0.0.1:1/", most_tries=2)
    await until(lambda: service.live)
    taker.make(6)
    await until(lambda: service._lost == 1)

    assert "http://127.0.0.1:1/ takes no update" in service.trouble
    assert service.live


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"publish_url": "https://a/"}, "--publish-url: TLS is not supported yet: write http://"),
        ({"publish_url": "a"}, "--publish-url: a host is a URL such as http://127.0.0.1:9000"),
        ({"token_file": "/nowhere"}, "--token-file: /nowhere cannot be read: No such file or directory"),
    ],
)
async def test_bad_options_are_refused(options: dict[str, str], error: str) -> None:
    with pytest.raises(BadInput) as refused:
        PublisherService(msgspec.convert({"port": 0, **options}, PublisherOptions))
    assert str(refused.value).startswith(error)


async def test_token_of_several_lines_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a\nX-Other: b")
    with pytest.raises(BadInput, match="must hold one line of ASCII, the token"):
        PublisherService(PublisherOptions(port=0, token_file=str(file)))
