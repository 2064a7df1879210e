"""Pages of other origins: they may neither change the schedule nor open a WebSocket, unless they are allowed."""

import json

import pytest

from tests.contract.clients import WEBSOCKET_TRANSPORTS
from tests.contract.raw import get
from tests.contract.stage import Stage

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", KEY)
SCHEDULE = json.dumps({"rate_per_second": 0.01}).encode()
OWN, FOREIGN = "Origin: http://test", "Origin: http://evil.example"


@pytest.mark.parametrize(
    ("header", "status"), [(OWN, 101), (FOREIGN, 403), ("Origin: null", 403), ("Accept: */*", 101)], ids=str
)
@pytest.mark.parametrize("path", ["/ws", "/echo"])
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_page_of_another_origin_opens_no_websocket(stage: Stage, path: str, header: str, status: int) -> None:
    await stage.serve()
    answer = await (await stage.connect()).ask(get(path, *HANDSHAKE, header))
    assert status == answer.status
    assert ("--allowed-origins" in answer.body.decode()) == (status == 403)


@pytest.mark.parametrize("allowed", ["http://evil.example", "https://a.example, http://EVIL.example", "*"])
@pytest.mark.parametrize("path", ["/ws", "/echo"])
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_page_of_an_allowed_origin_opens_a_websocket(stage: Stage, path: str, allowed: str) -> None:
    await stage.serve(allowed_origins=allowed)
    answer = await (await stage.connect()).ask(get(path, *HANDSHAKE, FOREIGN))
    assert 101 == answer.status


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS[:1])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (OWN, 200),
        (FOREIGN, 403),
        ("Sec-Fetch-Site: cross-site", 403),
        ("Sec-Fetch-Site: same-site", 403),
        ("Sec-Fetch-Site: none", 200),
        ("Accept: */*", 200),
    ],
    ids=str,
)
async def test_page_of_another_origin_changes_no_schedule(stage: Stage, method: str, header: str, status: int) -> None:
    body = SCHEDULE if method == "PUT" else b""
    answer = await stage.producer.ask(get("/schedule", header, method=method, body=body))
    assert status == answer.status
    schedule = json.loads((await stage.producer.get("/schedule")).body)
    assert (schedule is not None) == (status == 200 and method == "PUT")


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS[:1])
@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:8000", "127.0.0.1:8000", 200),
        ("localhost", "localhost", 200),
        ("[::1]:8000", "[::1]:8000", 200),
        ("producer:8000", "producer:8000", 200),
        ("evil.example", "evil.example", 403),
        ("producer.example", None, 200),
    ],
    ids=str,
)
async def test_page_at_a_name_that_a_site_has_made_mean_this_machine_is_refused(
    stage: Stage, host: str, origin: str | None, status: int
) -> None:
    """DNS rebinding: origin and host are the same then. A program sends no origin."""
    from_page = "" if origin is None else f"Origin: http://{origin}\r\n"
    head = f"DELETE /schedule HTTP/1.1\r\nHost: {host}\r\n{from_page}\r\n"
    assert status == (await stage.producer.ask(head.encode())).status
