"""Bad input: refused with one line that names the parameter and the cure; on WebSocket before the upgrade."""

import itertools
from urllib.parse import quote

import pytest

from tests.contract.raw import Answer, get
from tests.contract.stage import Stage

BAD_CURSORS = [
    "",
    "-",
    "17",
    "k3f9",
    "k3f9-",
    "-17",
    "k3f9-x",
    "k3f9--1",
    "k3f9-1.5",
    "k3f9-+1",
    "k3f9-007",
    "k3f9-17-18",
    "k3f9-17 ",
    " k3f9-17",
    "k3f9-17\n",
    "k3f9-17\0",
    "K3F9-17",
    "k3_9-17",
    "k3f9-\N{ARABIC-INDIC DIGIT ONE}",
    "kéfé-17",
    "k3f9k3f9k3f9k3f9k-1",
    "k3f9-1" + 18 * "0",
    "k3f9-" + 5000 * "1",
    "None",
    "null",
    '"k3f9-17"',
    "k3f9-17;drop",
    "../../etc/passwd",
]
BAD_HOLDS = [
    "",
    "x",
    "-1",
    "-0.001",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e9",
    "1e99",
    "1e999",
    400 * "1",
    5000 * "1",
    "0." + 400 * "1",
    "3601",
    "0x10",
    "1,5",
    "5s",
    "0_0",
    " 0",
    "\N{ARABIC-INDIC DIGIT ONE}",
]


async def wrongly_answered(stage: Stage, name: str, values: list[str], line: str) -> dict[str, Answer]:
    """Return the answers to malformed values of a parameter that are not 400 and one line that begins with `line`."""
    raw = await stage.connect()
    answers = {value: await raw.ask(stage.request(f"{name}={quote(value)}")) for value in values}
    return {
        value: answer for value, answer in answers.items() if answer.status != 400 or not answer.line.startswith(line)
    }


async def test_malformed_cursor_is_refused(stage: Stage) -> None:
    await stage.serve()
    assert {} == await wrongly_answered(stage, "after", BAD_CURSORS, "after must be ")


async def test_cursor_without_a_value_is_refused(stage: Stage) -> None:
    await stage.serve()
    answer = await (await stage.connect()).ask(stage.request("after"))
    assert 400 == answer.status
    assert answer.line.startswith("after must be ")


async def test_cursor_of_bytes_that_are_no_text_is_refused(stage: Stage) -> None:
    await stage.serve()
    request = stage.request("after=k3f9-17").replace(b"k3f9", b"\xff\xfe")
    answer = await (await stage.connect()).ask(request)
    assert 400 == answer.status
    assert answer.line


async def test_refused_client_may_ask_again_on_the_same_connection(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    assert 400 == (await raw.ask(stage.request("after=nonsense"))).status
    answer = await raw.ask(stage.request("hold=0"))
    assert (stage.client_type.granted, stage.head) == (answer.status, answer.cursor)


@pytest.mark.parametrize("transport", ["longpolling"])
async def test_malformed_hold_is_refused(stage: Stage) -> None:
    await stage.serve()
    assert {} == await wrongly_answered(stage, "hold", BAD_HOLDS, "hold must be a number of seconds from 0 to 3600")


TARGETS = [
    b"*", b"?", b"#", b"x", b"//", b"/%", b"/%zz", b"/%ff", b"/\xff", b"/%E2%80%A8", b"/%00", b"/health;x",
    b"/health#x",
    b"/health?%ff=%ff&%", b"http://[/", b"http://[::1/health", b"http://x:99999999/", b"http://x:abc/health", b"http:///",
    b"http://\xff/", b"http://" + 300 * b"a" + b"/health", b"PATH?after=%ff", b"PATH?%ff=1&hold=0", b"PATH?after=%00",
    b"PATH?" + 1000 * b"&after", b"PATH?after=a-" + 400 * b"9", b"PATH?hold=" + 400 * b"9",
]  # fmt: skip
HEADERS = [
    b"", b"Content-Length: " + 400 * b"9" + b"\r\n", b"Content-Length: -1\r\n", b"Expect: nonsense\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Encoding: gzip\r\nContent-Length: 5\r\n",
    b"Content-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n", b"Host: \xff\xfe\r\n", b"Content-Type: \xff\r\n",
    b"Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: \xff\r\n", b"Cookie: \xff=\xfe\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n", b"Transfer-Encoding: chunked\r\n",
]  # fmt: skip
BODIES = [b"", b"hello", b"zz\r\n", b"5\r\nhello\r\n0\r\n\r\n"]


@pytest.mark.long
@pytest.mark.parametrize("method", [b"GET", b"PUT", b"HEAD"])
async def test_nothing_that_is_asked_is_taken_for_a_defect(
    stage: Stage, method: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """No 500 and no traceback in the log, with any target, headers and body, from the producer, too."""
    await stage.serve()
    path = stage.transport.path.encode()
    requests = [
        b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n%b" % (method, target.replace(b"PATH", path), headers, body)
        for target, headers, body in itertools.product(TARGETS, HEADERS, BODIES)
        if headers or not body
    ]
    bodies = [request.replace(b" * ", b" /schedule ") for request in requests[: len(HEADERS) * len(BODIES)]]
    for request, service in itertools.product([*requests[::11], *bodies], [stage.server, stage.producer]):
        raw = await stage.connect(service)
        await raw.send(request)
        assert 200 == (await service.get("/health")).status  # by then the request has been looked at
        raw.end_sending()
        assert b" 500 " not in (await raw.some())[:20], request
        raw.abort()
    assert "Traceback" not in caplog.text
    assert 200 == (await stage.server.get("/health")).status


async def test_unknown_path_is_not_found(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    for target in ("/", "/nosuch", "/Health", "/health/", "//health", "/metrics/x", "/feed", "/schedule"):
        answer = await raw.ask(get(target))
        assert 404 == answer.status, target
        assert stage.transport.path in answer.line


async def test_wrong_method_is_not_allowed(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for path in (stage.transport.path, "/health", "/metrics"):
            answer = await raw.ask(get(path, method=method))
            assert 405 == answer.status, (method, path)
            assert ("use GET" if path == stage.transport.path else "use GET, HEAD") == answer.line


async def test_answer_to_a_wrong_method_carries_allow(stage: Stage) -> None:
    """RFC 9110, section 15.5.6: an origin server must do that."""
    await stage.serve()
    answer = await (await stage.connect()).ask(get(stage.transport.path, method="POST"))
    assert "GET" == answer.headers.get("allow")


async def test_answer_to_head_has_no_body(stage: Stage) -> None:
    """RFC 9110, section 9.3.2; the bytes of one would be taken for the start of the next answer."""
    await stage.serve()
    raw = await stage.connect()
    await raw.send(get("/health", method="HEAD") + get("/health"))
    await raw.answer(to_head=True)
    assert 200 == (await raw.answer()).status


async def test_refused_request_with_a_body_does_not_spoil_the_next(stage: Stage) -> None:
    """The body is no request: the connection closes, or continues after it."""
    await stage.serve()
    raw = await stage.connect()
    answer = await raw.ask(get(stage.transport.path, method="POST", body=get("/nosuch")) + get("/health"))
    assert 405 == answer.status
    if "close" == answer.headers.get("connection"):
        assert b"" == await raw.rest()
    else:
        assert 200 == (await raw.answer()).status


@pytest.mark.long
async def test_nothing_is_delivered_before_the_feed_has_caught_up(stage: Stage) -> None:
    """A server must not answer while it may lack updates that its clients have."""
    stage.link.cut()
    server = await stage.serve_soon()
    answer = await (await stage.connect()).ask(stage.request("hold=0"))
    assert (503, "no feed from the producer yet: try again") == (answer.status, answer.line)
    assert 503 == (await server.get("/health")).status
    stage.link.mend()
    await server.until_health(200)
    assert stage.head == (await stage.subscribe()).cursor


@pytest.mark.long
async def test_refused_client_may_ask_again_when_the_feed_has_caught_up(stage: Stage) -> None:
    stage.link.cut()
    server = await stage.serve_soon()
    raw = await stage.connect()
    assert 503 == (await raw.ask(stage.request("hold=0"))).status
    stage.link.mend()
    await server.until_health(200)
    assert stage.client_type.granted == (await raw.ask(stage.request("hold=0"))).status
