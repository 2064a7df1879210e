"""nginx's shared cache: what it stores and for how long, what it asks the server for, and what it leaves alone."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from wirerace.errors import BadInput
from wirerace.experiment.paths import CACHE_TICK_SECONDS, NetworkPath
from wirerace.host.ports import free_port
from wirerace.runner.network.reverse.configuration import check_configuration, find_installed, write_configuration
from wirerace.runner.network.reverse.program import Route
from wirerace.runner.network.reverse.starting import start_reverse, upgrade_status
from wirerace.runner.parts.family import Family

pytestmark = pytest.mark.processes

SETTINGS = pytest.mark.parametrize("settings", ["default", "tuned"])
NO_HEADERS: Mapping[str, str] = {}
EMPTY, SLOW = "/poll?after=e-9", "/poll?after=slow"


class Origin(ThreadingHTTPServer):
    """A server whose every answer has another cursor, and must not be stored, as ours say."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()
        self.cursors = itertools.count(1)
        self.tags: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    """Answers without a body where nothing is new, with 503 where it is told to, and late where it is to be slow."""

    protocol_version = "HTTP/1.1"
    server: Origin

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        self.server.tags.append(self.headers["If-None-Match"])
        if self.path == SLOW:
            time.sleep(0.2)
        cursor = str(next(self.server.cursors)).encode()
        is_upgrade = self.headers["Upgrade"] is not None
        status = 101 if is_upgrade else 503 if "broken" in self.path else 204 if self.path == EMPTY else 200
        self.send_response(status)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Wirerace-Cursor", cursor.decode())
        if is_upgrade:
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
        elif status != 204:
            self.send_header("Content-Length", str(len(cursor)))
        self.end_headers()
        if status in {200, 503}:
            self.wfile.write(cursor)
        self.close_connection = self.close_connection or is_upgrade

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def cache(origin: Origin, tmp_path: Path) -> Iterator[Callable[[str, int], int]]:
    """Return what starts a cache before the server, with its settings and time to live, and returns its port."""
    families: list[Family] = []

    def start(command: list[str], directory: Path, variables: dict[str, str]) -> Family:
        families.append(Family("the reverse proxy", command, tmp_path / "log", directory, (), variables))
        return families[-1]

    def started(settings: str, seconds: int) -> int:
        (files := tmp_path / "files").mkdir()
        path = NetworkPath(proxy="nginx", settings=settings, cache_seconds=seconds)  # type: ignore[arg-type]
        try:
            nginx = find_installed("nginx")
        except BadInput as error:
            pytest.skip(str(error))
        route = Route(free_port(), [f"127.0.0.1:{origin.server_port}"], 20, path, files)
        return start_reverse(nginx, route, tmp_path / "configuration", start).port

    yield started
    for family in families:
        family.stop()


def ask(port: int, target: str, method: str = "GET", headers: Mapping[str, str] = NO_HEADERS) -> tuple[int, str]:
    """Return the status of an answer, and its cursor."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, target, headers=dict(headers))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers["Wirerace-Cursor"]


@SETTINGS
def test_clients_with_one_cursor_get_one_answer_and_others_get_their_own(
    settings: str, origin: Origin, cache: Callable[[str, int], int]
) -> None:
    """The server's own Cache-Control says no-store, and is overruled."""
    port = cache(settings, 60)
    targets = ["/poll?after=e-1", "/poll?after=e-2", "/poll?after=e-1&channel=a", EMPTY]
    first = [ask(port, target) for target in targets]
    again = [ask(port, target) for target in targets]

    assert first == again
    assert [200, 200, 200, 204] == [status for status, _ in first]
    assert len(targets) == len({cursor for _, cursor in first})
    assert dict.fromkeys(targets, 1) == origin.asked


@SETTINGS
def test_answer_lives_by_whole_seconds_of_the_clock(
    settings: str, origin: Origin, cache: Callable[[str, int], int]
) -> None:
    """With a time to live of 1 s, one that was stored in a second is given out in this and the next one."""
    port, target = cache(settings, 1), "/poll?after=e-1"
    before = last = time.time()
    _, stored = ask(port, target)
    cursor = stored
    while cursor == stored:
        last = time.time()
        _, cursor = ask(port, target)

    assert last >= int(before) + 1 + CACHE_TICK_SECONDS - 0.05, "nginx looks at the clock when something happens"
    assert 2 == origin.asked[target]


@SETTINGS
def test_server_is_asked_once_for_a_new_answer_however_many_wait(
    settings: str, origin: Origin, cache: Callable[[str, int], int]
) -> None:
    port = cache(settings, 60)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ask(port, SLOW), range(8)))

    assert 1 == len(set(answers))
    assert 1 == origin.asked[SLOW]


@SETTINGS
def test_failures_and_messages_are_not_stored(settings: str, origin: Origin, cache: Callable[[str, int], int]) -> None:
    port = cache(settings, 60)
    for _ in range(2):
        assert 503 == ask(port, "/poll?after=broken")[0]
        assert 200 == ask(port, "/send", "POST")[0]

    assert {"/poll?after=broken": 2, "/send": 2} == origin.asked


@SETTINGS
def test_cursor_of_a_conditional_poll_never_reaches_the_server(
    settings: str, origin: Origin, cache: Callable[[str, int], int]
) -> None:
    """So such polls are refused behind a cache."""
    ask(cache(settings, 60), "/poll", headers={"If-None-Match": '"e-1"'})

    assert [None] == origin.tags


def test_upgrade_passes_and_is_not_stored(origin: Origin, cache: Callable[[str, int], int]) -> None:
    port, target = cache("tuned", 60), "/ws"
    assert ["101", "101"] == [upgrade_status(port, target), upgrade_status(port, target)]
    assert 2 == origin.asked[target]
    plain = ask(port, target)
    assert 200 == plain[0]
    assert "101" == upgrade_status(port, target), "a stored answer is none to an upgrade"
    assert plain == ask(port, target)
    assert 4 == origin.asked[target]


def test_nginx_accepts_a_cache_with_everything_else(tmp_path: Path) -> None:
    try:
        nginx = find_installed("nginx")
    except BadInput as error:
        pytest.skip(str(error))
    for settings, http, compression in itertools.product(("default", "tuned"), (1, 2), ("off", "gzip")):
        path = NetworkPath(proxy="nginx", settings=settings, http=http, compression=compression, cache_seconds=5)  # type: ignore[arg-type]
        write_configuration(nginx.program, Route(8080, ["127.0.0.1:8081"], 9, path, tmp_path), tmp_path / "file")
        check_configuration(nginx, tmp_path / "file", tmp_path)
        written = (tmp_path / "file").read_text()
        assert "proxy_cache_valid 200 204 5s;" in written
        assert "proxy_buffering off" not in written, "nginx stores nothing without its buffers"
