"""A browser's own EventSource on our event stream: order, resuming after a cut, and the time that it waits."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.race.playing import Playground
from tests.race.running import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

RETRY_MS = 300
LISTEN = """
() => {
  window.seen = []; window.openings = []; window.errors = [];
  window.source = new EventSource("/sse");
  source.onmessage = event => seen.push([event.lastEventId, JSON.parse(event.data).seq]);
  source.onopen = () => openings.push(performance.now());
  source.onerror = () => errors.push([performance.now(), source.readyState]);
}
"""


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    keys = (f"sse.retry_seconds={RETRY_MS / 1000}", "producer.rate_per_second=50", 'transports=["sse"]')
    playground = Playground(tmp_path_factory.mktemp("play"), *(part for key in keys for part in ("--set", key)))
    yield playground
    playground.close()


def server_of(playground: Playground) -> psutil.Process:
    """Return the process of the SSE server; the playground starts it again when it dies."""
    children = psutil.Process(playground.popen.pid).children(recursive=True)
    (found,) = [child for child in children if "services sse" in " ".join(child.cmdline())]
    return found


def state(page: "Page") -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("({seen, openings, errors})")
    return found


def test_browser_receives_every_update_once_and_in_order_across_a_server_that_dies(
    pages: "Page", playground: Playground
) -> None:
    pages.goto(f"{playground.urls['sse']}/health")  # a page of the same origin
    pages.evaluate(LISTEN)
    wait_until(lambda: len(state(pages)["seen"]) > 20)
    server_of(playground).kill()
    wait_until(lambda: len(state(pages)["openings"]) == 2)
    before = len(state(pages)["seen"])
    wait_until(lambda: len(state(pages)["seen"]) > before + 20)
    pages.evaluate("source.close()")
    found = state(pages)

    numbers = [number for _, number in found["seen"]]
    assert list(range(numbers[0], numbers[0] + len(numbers))) == numbers
    (epoch,) = {identity.rpartition("-")[0] for identity, _ in found["seen"]}
    assert [f"{epoch}-{number}" for number in numbers] == [identity for identity, _ in found["seen"]]
    failed_at, connecting = found["errors"][0]
    assert 0 == connecting, "it reconnects by itself"
    assert RETRY_MS * 0.9 < found["openings"][1] - failed_at, "as long as the server asks for, and no less"


def test_browser_that_has_seen_no_update_resumes_where_the_stream_began(pages: "Page", playground: Playground) -> None:
    """The stream begins with an id: a browser cannot read the cursor in the answer's headers."""
    pages.goto(f"{playground.urls['sse']}/health")
    first = pages.evaluate("""
        async () => {
          const reader = (await fetch("/sse")).body.getReader();
          const {value} = await reader.read();
          await reader.cancel();
          return new TextDecoder().decode(value);
        }
    """)

    retry, identity, *_ = first.split("\n")
    assert f"retry: {RETRY_MS}" == retry
    assert re.fullmatch("id: [0-9a-z]+-[0-9]+", identity)
