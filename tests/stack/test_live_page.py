"""The live page of the stack: it shows and controls the stack's own parts, and a browser outside receives from them."""

import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import PATIENCE_MS, pages
from tests.race.running import wait_until
from tests.stack.compose import Stack
from wirerace.transports import TRANSPORTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["pages"]
pytestmark = pytest.mark.stack

LEDGER = re.compile(r"(\d+) received, (\d+) missing, (\d+) twice")


def url_of(stack: Stack, port: str = "WATCH_PORT", host: str = "127.0.0.1") -> str:
    return f"http://{host}:{stack.ports[port]}"


def config_of(stack: Stack) -> dict[str, Any]:
    """Return what the page has in it for its script."""
    with urllib.request.urlopen(url_of(stack)) as answer:
        (config,) = re.findall(r'id="config">(.*?)</script>', answer.read().decode())
    found: dict[str, Any] = json.loads(config)
    return found


def ask(stack: Stack, method: str, path: str, body: object) -> tuple[int, str]:
    """Send a request with the page's token; return status and text."""
    headers = {"Authorization": f"Bearer {config_of(stack)['token']}"}
    request = urllib.request.Request(url_of(stack) + path, json.dumps(body).encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def test_page_names_the_ports_that_a_browser_reaches(stack: Stack) -> None:
    found = {one["name"]: one["url"] for one in config_of(stack)["transports"]}

    assert found == {
        name: f"{url_of(stack, f'{name.upper()}_PORT')}{transport.path}" for name, transport in TRANSPORTS.items()
    }
    assert url_of(stack, "LOCUST_PORT") == config_of(stack)["abilities"]["crowd_url"]


HANDSHAKE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
HANDSHAKE |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


@pytest.mark.parametrize("name", TRANSPORTS)
def test_servers_let_the_live_page_read_and_no_other_page(stack: Stack, name: str) -> None:
    allowed = []
    for origin in (url_of(stack), url_of(stack, host="localhost"), "http://evil.example", "null"):
        connection = http.client.HTTPConnection("127.0.0.1", stack.ports[f"{name.upper()}_PORT"], timeout=30)
        path = TRANSPORTS[name].path + ("?hold=0.5" if name == "longpolling" else "")
        connection.request("GET", path, headers={"Origin": origin} | (HANDSHAKE if name == "websocket" else {}))
        answer = connection.getresponse()
        connection.close()
        allowed.append(answer.status == 101 or answer.headers["Access-Control-Allow-Origin"] == origin)

    assert allowed == [True, True, False, False]


@pytest.mark.parametrize(("port", "path"), [("PRODUCER_PORT", "/schedule"), ("LOAD_CONTROL_PORT", "/window")])
def test_live_page_may_change_nothing_but_through_its_server(stack: Stack, port: str, path: str) -> None:
    request = urllib.request.Request(url_of(stack, port) + path, b"{}", {"Origin": url_of(stack)}, method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)


@pytest.fixture
def schedule(stack: Stack) -> Iterator[dict[str, Any]]:
    """The schedule as it was, and is again afterwards."""
    before: dict[str, Any] = stack.get("PRODUCER_PORT", "/schedule")
    yield before
    ask(stack, "PUT", "/schedule", {name: before[name] for name in ("rate_per_second", "arrivals")})


def test_updates_are_made_as_the_page_asks_and_stay_otherwise_as_they_were(
    stack: Stack, schedule: dict[str, Any]
) -> None:
    assert 200 == ask(stack, "PUT", "/schedule", {"rate_per_second": 21, "arrivals": "periodic"})[0]
    made = stack.get("PRODUCER_PORT", "/schedule")

    assert (21, "periodic") == (made["rate_per_second"], made["arrivals"])
    assert schedule["payload_bytes"] == made["payload_bytes"]
    assert {"rate_per_second": 21.0, "arrivals": "periodic"} == stack.get("WATCH_PORT", "/state")["schedule"]


def test_state_has_what_each_server_says_of_itself(stack: Stack) -> None:
    before = stack.get("WATCH_PORT", "/state")["servers"]
    wait_until(
        lambda: all(
            one["cpu_seconds"] > before[name]["cpu_seconds"]
            for name, one in stack.get("WATCH_PORT", "/state")["servers"].items()
        )
    )
    assert all(one["live"] for one in stack.get("WATCH_PORT", "/state")["servers"].values())


def test_server_that_is_paused_keeps_nobody_from_the_others_figures(stack: Stack) -> None:
    stack.compose("pause", "websocket")
    try:
        wait_until(lambda: not stack.get("WATCH_PORT", "/state")["servers"]["websocket"]["live"])
        before = stack.get("WATCH_PORT", "/state")["servers"]["sse"]["sampled_ns"]
        wait_until(lambda: stack.get("WATCH_PORT", "/state")["servers"]["sse"]["sampled_ns"] > before)
        assert stack.get("WATCH_PORT", "/state")["servers"]["sse"]["live"]
    finally:
        stack.compose("unpause", "websocket")
    wait_until(lambda: stack.get("WATCH_PORT", "/state")["servers"]["websocket"]["live"])


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PUT", "/path", {"delay_seconds": 0.05}, "a delay is not possible in the stack: use make watch"),
        ("POST", "/cut", {"transport": None}, "a cut is not possible in the stack: use make watch"),
        ("POST", "/stall", {"transport": "sse"}, "a stall is not possible in the stack: use make watch"),
        ("PUT", "/crowd", {"clients": 5}, "start a crowd on Locust's page, http://127.0.0.1:"),
    ],
)
def test_what_a_container_cannot_do_is_refused_with_the_cure(
    stack: Stack, method: str, path: str, body: object, words: str
) -> None:
    status, said = ask(stack, method, path, body)

    assert 400 == status
    assert said.startswith(words)


@pytest.fixture
def opened(stack: Stack, pages: "Page") -> Iterator["Page"]:
    """The page in a browser outside, and no error in its console."""
    browser = pages.context.browser
    assert browser is not None
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url_of(stack))
    yield page
    page.close()
    assert [] == said


def ledgers(page: "Page") -> dict[str, tuple[int, int, int]]:
    """Return how many updates each lane has received, lacks, and has received twice."""
    found = {}
    for name in TRANSPORTS:
        match = LEDGER.fullmatch(page.locator(f"#{name} [data-figure=ledger]").inner_text())
        found[name] = (int(match[1]), int(match[2]), int(match[3])) if match else (0, 0, 0)
    return found


def until_more(page: "Page", *, than: int) -> None:
    before = ledgers(page)
    wait_until(lambda: all(one[0] > before[name][0] + than for name, one in ledgers(page).items()))


def test_browser_outside_receives_by_every_transport(opened: "Page") -> None:
    until_more(opened, than=30)
    wait_until(lambda: " a push by " in opened.locator("#sentence").inner_text())

    assert dict.fromkeys(TRANSPORTS, (0, 0)) == {name: found[1:] for name, found in ledgers(opened).items()}
    assert opened.evaluate("crossOriginIsolated")
    for name in TRANSPORTS:
        assert "ms a second" in opened.locator(f"#{name} [data-figure=cpu]").inner_text()


def test_cut_loses_nothing_although_only_the_page_can_cut(opened: "Page") -> None:
    until_more(opened, than=10)
    opened.get_by_role("button", name="Cut all connections").click()
    opened.locator("#websocket .note").get_by_text("Cut: 1 connection.").wait_for()
    until_more(opened, than=20)

    assert dict.fromkeys(TRANSPORTS, (0, 0)) == {name: found[1:] for name, found in ledgers(opened).items()}


def test_what_is_not_possible_is_absent_and_one_sentence_says_why(opened: "Page", stack: Stack) -> None:
    until_more(opened, than=1)

    assert 0 == opened.get_by_role("button", name="Stall").count()
    assert (
        0
        == opened.get_by_role("slider", name="One-way delay").count()
        + opened.get_by_role("slider", name="Crowd").count()
    )
    said = opened.locator("#otherwise")
    assert "the stack has neither, and make watch has both." in said.inner_text()
    assert url_of(stack, "LOCUST_PORT") + "/" == said.get_by_role("link").evaluate("(it) => it.href")
    assert 4 == opened.locator("#tries li").count()


def test_light_knows_of_a_crowd_that_locusts_page_has_started(opened: "Page", stack: Stack) -> None:
    assert stack.post("LOCUST_PORT", "/swarm", user_count=50, spawn_rate=50)["success"]
    try:
        opened.locator("#reasons").get_by_text("Up to 10 other clients are connected to a server").wait_for()
        wait_until(lambda: "11, this page among them" == opened.locator("#sse [data-figure=clients]").inner_text())
    finally:
        stack.post("LOCUST_PORT", "/stop")
