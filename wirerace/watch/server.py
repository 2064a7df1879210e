"""The page's server: the page, a clock, the state once a second, and controls for this page alone."""

import asyncio
import secrets
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from hmac import compare_digest
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from wirerace.clock import now_ns
from wirerace.decoding import decode_json
from wirerace.errors import BadInput, TrialFailed, WireraceError
from wirerace.experiment.paths import NetworkPath
from wirerace.origins import Foreign, check_host, check_page
from wirerace.watch.contest import Contest, CrowdCount, CrowdState, Lane, Offer, StallSeconds
from wirerace.watch.outlook import Outlook, client_of, outlook
from wirerace.watch.page import page_of
from wirerace.watch.vitals import Samplers, Vitals
from wirerace.workload.schedule import Schedule

HOST = "127.0.0.1"
MOST_BODY_BYTES = 4096
STOP_SECONDS = 1.0
PRODUCER = "producer"
OWN_ORIGIN: frozenset[str] = frozenset()
"""Origins that may control, besides the page's own: none."""
STATUSES: dict[type[WireraceError], int] = {BadInput: 400, Foreign: 403, TrialFailed: 503}
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""An isolated page has timers of 5 µs in Chromium, and of 100 µs otherwise."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Body = TypeVar("Body")


class CutWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lane whose connections are cut; None for all."""

    transport: str | None = None


class StallWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lane whose server stands still for a time."""

    transport: str
    seconds: StallSeconds = 3.0


class CrowdWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of synthetic clients on each transport."""

    clients: CrowdCount


class State(msgspec.Struct, frozen=True):
    """What the page asks for once a second."""

    now_ns: int
    schedule: Mapping[str, object] | None
    delay_seconds: float
    crowd: CrowdState
    producer: Vitals
    servers: Mapping[str, Vitals]
    theory: Mapping[str, Outlook]


class PageServer:
    """Answers the page's requests. Those that change something need the token that is in the page."""

    def __init__(self, contest: Contest) -> None:
        self._contest = contest
        self._token = secrets.token_urlsafe(18)
        self._samplers = Samplers(
            {PRODUCER: contest.producer} | {name: lane.server for name, lane in contest.lanes.items()}
        )
        lanes = contest.lanes.values()
        config = {
            "token": self._token,
            "abilities": msgspec.to_builtins(contest.abilities),
            "transports": [config_of(lane) for lane in lanes],
        }
        self._page = page_of(config, [urlsplit(lane.url).netloc for lane in lanes])

    def application(self) -> web.Application:
        """Return the application that answers."""
        application = web.Application(middlewares=[self._guard], client_max_size=MOST_BODY_BYTES)
        application.add_routes(
            [
                web.get("/", self._index),
                web.get("/health", self._health),
                web.get("/clock", self._clock),
                web.get("/state", self._state),
                web.put("/schedule", self._schedule),
                web.put("/path", self._path),
                web.post("/cut", self._cut),
                web.post("/stall", self._stall),
                web.put("/crowd", self._crowd),
            ]
        )
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what comes from elsewhere, and answer errors with one line.

        The page has the token in it, so not even the page is given to a name that any site may have (DNS rebinding).
        """
        try:
            check_host(request.headers.get("Host", "").lower(), OWN_ORIGIN)
            if request.method not in {"GET", "HEAD"}:
                check_page(request.headers.get, OWN_ORIGIN)
                brought = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
                if not compare_digest(brought, f"Bearer {self._token}".encode()):
                    raise Foreign("this needs the token that is in the page: load the page again")
            return await handler(request)
        except tuple(STATUSES) as error:
            status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
            return web.Response(status=status, text=f"{error}\n")

    async def _index(self, _request: web.Request) -> web.Response:
        headers = ISOLATION | {
            "Content-Security-Policy": self._page.policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=self._page.html, content_type="text/html", charset="utf-8", headers=headers)

    async def _health(self, _request: web.Request) -> web.Response:
        return _json({"live": True})

    async def _clock(self, _request: web.Request) -> web.Response:
        return _json({"now_ns": now_ns()})

    async def _state(self, request: web.Request) -> web.Response:
        """Answer with the vitals, and with what theory expects of clients such as the query describes."""
        client, contest = client_of(request.query), self._contest
        vitals = await asyncio.to_thread(self._samplers.sample)
        schedule, path = await asyncio.to_thread(contest.read_schedule), contest.path
        theory = {
            name: Outlook() if schedule is None else outlook(lane, schedule, path, vitals[name].feed_seconds, client)
            for name, lane in contest.lanes.items()
        }
        servers = {name: vitals[name] for name in contest.lanes}
        crowd, producer = contest.crowd_state(), vitals[PRODUCER]
        return _json(State(now_ns(), _offered(schedule), path.delay_seconds, crowd, producer, servers, theory))

    async def _schedule(self, request: web.Request) -> web.Response:
        return await self._done(self._contest.offer, await _body(request, Offer))

    async def _path(self, request: web.Request) -> web.Response:
        return await self._done(self._contest.set_path, await _body(request, NetworkPath))

    async def _cut(self, request: web.Request) -> web.Response:
        return await self._done(self._contest.cut, (await _body(request, CutWanted)).transport)

    async def _stall(self, request: web.Request) -> web.Response:
        wanted = await _body(request, StallWanted)
        return await self._done(self._contest.stall, wanted.transport, wanted.seconds)

    async def _crowd(self, request: web.Request) -> web.Response:
        return await self._done(self._contest.set_crowd, (await _body(request, CrowdWanted)).clients)

    @staticmethod
    async def _done(act: Callable[..., object], *arguments: object) -> web.Response:
        """Do something that waits for other processes, and answer with its result."""
        return _json(await asyncio.to_thread(act, *arguments))


def config_of(lane: Lane) -> dict[str, object]:
    """Return what the page must know of a lane."""
    transport = lane.transport
    return {
        "name": transport.name,
        "title": transport.title,
        "color": transport.color,
        "asks": transport.asks,
        "url": lane.url,
        "options": msgspec.to_builtins(lane.options),
    }


def _offered(schedule: Schedule | None) -> dict[str, object] | None:
    """Return what the page shows of a schedule."""
    return None if schedule is None else {"rate_per_second": schedule.rate_per_second, "arrivals": schedule.arrivals}


async def _body(request: web.Request, of_type: type[Body]) -> Body:
    return decode_json(await request.read(), of_type, "the request")


def _json(value: object) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def origins_of(port: int) -> list[str]:
    """Return the origins that the page has, by the names under which a person may open it."""
    return [f"http://{name}:{port}" for name in (HOST, "localhost")]


@contextmanager
def serving(application: web.Application, port: int, host: str = HOST) -> Iterator[None]:
    """Serve while the block runs, in a thread of its own: this one has parts to watch."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait_for(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result()

    runner = web.AppRunner(application, access_log=None, shutdown_timeout=STOP_SECONDS)
    try:
        wait_for(_listen(runner, host, port))
        yield
    finally:
        wait_for(runner.cleanup())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
