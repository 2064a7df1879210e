"""A browser's own WebSocket on /echo: what it sends comes back, and the page sees each close code."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.contract.processes import LISTENS
from tests.race.running import PATIENCE_SECONDS, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OPEN = """
() => new Promise(resolve => {
  window.received = []; window.ending = new Promise(closing => {
    window.socket = new WebSocket(`ws://${location.host}/echo`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = event => received.push(event.data);
    socket.onclose = event => closing({code: event.code, clean: event.wasClean, reason: event.reason});
    socket.onopen = () => resolve(socket.extensions);
  });
})
"""
SEND_ALL = """
async () => {
  const size = 1048576;
  const bytes = new Uint8Array(size).map((_, index) => index * 7 % 251);
  const sent = ["", "hello, wörld €", new Uint8Array([]), new Uint8Array([0, 255]), "x".repeat(size), bytes,
                "€".repeat(size / 4)];
  sent.forEach(message => socket.send(message));
  while (received.length < sent.length) await new Promise(resolve => setTimeout(resolve, 10));
  const same = (one, other) => typeof one === "string" ? one === other :
    other instanceof ArrayBuffer && one.length === other.byteLength &&
    new Uint8Array(other).every((byte, index) => byte === one[index]);
  return sent.map((message, index) => same(message, received[index]));
}
"""


class EchoServer(NamedTuple):
    """A WebSocket server without a producer."""

    popen: subprocess.Popen[bytes]
    url: str


Start = Callable[..., EchoServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a server."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> EchoServer:
        log = tmp_path / "log"
        command = [sys.executable, "-m", "services", "websocket", "--port", "0", *options]
        with log.open("wb") as stderr:
            started.append(subprocess.Popen(command, stderr=stderr))
        wait_until(lambda: LISTENS.search(log.read_text()) is not None)
        (port,) = re.findall(LISTENS, log.read_text())
        return EchoServer(started[-1], f"http://127.0.0.1:{port}")

    yield start
    for popen in started:
        popen.terminate()
        assert 0 == popen.wait(PATIENCE_SECONDS)


def close_of(page: "Page") -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("ending")
    return found


@pytest.mark.parametrize("options", [(), ("--deflate", "shared")], ids=["plain", "with compression on /ws"])
def test_browser_gets_back_text_and_bytes_to_the_limit(pages: "Page", start: Start, options: tuple[str, ...]) -> None:
    """Chromium always offers compression, which /echo declines."""
    pages.goto(f"{start(*options).url}/health")  # a page of the same origin
    assert "" == pages.evaluate(OPEN)
    assert [True] * 7 == pages.evaluate(SEND_ALL)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("socket.close(4321, 'bye')", (4321, True)),
        ("socket.close(1000)", (1000, True)),
        ("socket.close()", (1005, True)),
        ("socket.send('x'.repeat(1048577))", (1009, True)),
    ],
)
def test_page_sees_how_its_socket_was_closed(
    pages: "Page", start: Start, action: str, expected: tuple[int, bool]
) -> None:
    pages.goto(f"{start().url}/health")
    pages.evaluate(OPEN)
    pages.evaluate(action)
    found = close_of(pages)
    assert expected == (found["code"], found["clean"])


def test_page_sees_that_the_server_goes_away(pages: "Page", start: Start) -> None:
    server = start()
    pages.goto(f"{server.url}/health")
    pages.evaluate(OPEN)
    server.popen.send_signal(signal.SIGTERM)
    assert {"code": 1001, "clean": True, "reason": "the server stops"} == close_of(pages)
    assert 0 == server.popen.wait(PATIENCE_SECONDS)
