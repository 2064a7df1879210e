"""What cannot be checked gets one line and exit code 2; a server that never answers fails each promise, soon."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checking.checked import failed, feeding, findings_of
from tests.checking.faulty import faulty_server
from tests.checking.places import ALIVE, SILENCE, Place
from wirerace.checking.address import CheckedAddress
from wirerace.checking.promise import promises_of
from wirerace.checking.scene import Scene
from wirerace.checking.suite import check
from wirerace.checking.talk import Patience
from wirerace.host.ports import free_port

ROOT = Path(__file__).parents[2]
ANSWERS = {
    "asks for a password (status 401)": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    "redirects to '/login': name the server that answers itself": (
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"
    ),
    "speaks no HTTP: it sends b'SSH-2.0-OpenSSH_9.2": b"SSH-2.0-OpenSSH_9.2\r\n",
    "closes the connection without an answer": b"",
}


@pytest.mark.long
@pytest.mark.parametrize("line", ANSWERS)
def test_what_is_no_server_of_updates_gets_one_line(run: Callable[..., tuple[int, str, str]], line: str) -> None:
    with Place(ANSWERS[line]) as place:
        code, out, err = run(place.url, "--transport", "sse", "--no-feed")
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert f"{place.url}" in err
    assert line in err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["http://127.0.0.1:1", "--transport", "sse", "--no-feed"], "nothing listens at http://127.0.0.1:1: start"),
        (["https://127.0.0.1:1", "--transport", "sse", "--no-feed"], "nothing listens at https://127.0.0.1:1: start"),
        (["http://127.0.0.1/sse", "--transport", "sse"], "a host is a URL without a path"),
        (["http://127.0.0.1", "--transport", "see"], "there is no such transport; did you mean sse?"),
        (["--transport", "sse"], "name the server's URL, such as http://127.0.0.1:9000, or start it with --command"),
        (["--transport", "sse", "--command", "x"], "--command lacks {producer}, where the URL of the feed belongs"),
        (["--transport", "sse", "--command", "x {prot}"], "--command has {prot}; there are {port} and {producer}"),
        (["--transport", "sse", "--command", "'x"], "--command cannot be read: No closing quotation"),
        (["--transport", "sse", "--only", "resumes", "--list"], "sse has no such promise; did you mean resume?"),
        (
            ["http://no.such.host.invalid", "--transport", "sse"],
            "the name in http://no.such.host.invalid:80 cannot be looked up",
        ),
    ],
)
def test_bad_input_gets_one_line(run: Callable[..., tuple[int, str, str]], arguments: list[str], line: str) -> None:
    code, out, err = run(*arguments, "--wait-seconds", "0.1")
    assert (2, "") == (code, out)
    assert line in err.splitlines()[-1]
    assert "Traceback" not in err


def test_taken_port_of_the_feed_is_said(run: Callable[..., tuple[int, str, str]]) -> None:
    with Place(ALIVE) as place:
        code, _, err = run(place.url, "--transport", "sse", "--feed-port", str(place.port))
    assert (2, True) == (code, "name another --feed-port" in err)


@pytest.mark.long
async def test_server_that_never_answers_fails_each_promise_soon_and_in_words() -> None:
    """It would take a minute if each check were as patient as the first."""
    with Place(SILENCE) as place:
        findings = await findings_of("sse", place.port, None, patience_seconds=0.2)
    failures = failed(findings)
    checked = [name for name, found in findings.items() if found.verdict != "not checked"]
    assert set(checked) == failures.keys()
    assert {"nothing within 0.2 s"} == {found.came for found in failures.values()}
    assert all(found.expected for found in failures.values())


@pytest.mark.long
async def test_server_that_does_not_follow_our_feed_fails_what_needs_it() -> None:
    with Place(ALIVE) as place:
        async with feeding() as feed:
            url = feed.url
            scene = Scene("sse", CheckedAddress("127.0.0.1", place.port), Patience(0.05), feed)
            found = {finding.id: finding async for finding in check(scene, only=["follows", "resume"])}
    assert ["fail", "fail"] == [finding.verdict for finding in found.values()]
    assert f"GET /feed at {url}" == found["resume"].expected


def test_findings_are_printed_line_by_line_and_failures_explained(run: Callable[..., tuple[int, str, str]]) -> None:
    port = free_port()
    with faulty_server(f"http://127.0.0.1:{port}", "HEAD is served") as server_port:
        url = f"http://127.0.0.1:{server_port}"
        code, out, _ = run(url, "--transport", "sse", "--feed-port", str(port), "--only", "head")
    assert 1 == code
    first, *_, last = out.splitlines()
    assert first.split()[:2] == ["FAIL", "head"]
    assert "  expected     status 405\n  came         200\n  first bytes  HTTP/1.1 200 OK\\r\\n" in out
    assert "promised in  docs/contract.md, \u201cRequests\u201d, \u201cEvent streams\u201d" in out
    assert last == f"1 promise of SSE at {url}: 0 kept, 1 not kept."


@pytest.mark.long
def test_json_has_every_finding(run: Callable[..., tuple[int, str, str]]) -> None:
    port = free_port()
    with faulty_server(f"http://127.0.0.1:{port}") as server_port:
        url = f"http://127.0.0.1:{server_port}"
        code, out, err = run(
            url, "--transport", "stream", "--feed-port", str(port), "--json", "--only", "head", "--only", "last"
        )
    assert (0, f"wirerace: point your server's producer at http://127.0.0.1:{port}, and start it at {url}\n") == (
        code,
        err,
    )
    found = json.loads(out)
    assert [("head", "pass"), ("last", "not offered")] == [(one["id"], one["verdict"]) for one in found["promises"]]
    assert {"pass": 1, "fail": 0, "not offered": 1, "not checked": 0} == found["counts"]


def test_server_without_any_feed_is_no_server_to_check(run: Callable[..., tuple[int, str, str]]) -> None:
    """It would break promises that it keeps when it has one."""
    with faulty_server("http://127.0.0.1:1") as port:
        code, _, err = run(f"http://127.0.0.1:{port}", "--transport", "stream", "--no-feed")
    assert (2, 1) == (code, err.count("\n"))
    assert "answers 503: start it with a producer, or leave out --no-feed" in err


@pytest.mark.long
def test_reason_is_said_once_for_promises_that_follow_each_other(run: Callable[..., tuple[int, str, str]]) -> None:
    port = free_port()
    with faulty_server(f"http://127.0.0.1:{port}") as server_port:
        only = [word for name in ("send", "send-once", "cors") for word in ("--only", name)]
        url = f"http://127.0.0.1:{server_port}"
        code, out, _ = run(url, "--transport", "sse", "--feed-port", str(port), *only)
    lines = [line.split() for line in out.splitlines()]
    assert 0 == code
    assert [["not", "offered", "send"], ["POST", "/send", "answers"], ["not", "offered", "send-once"]] == [
        line[:3] for line in lines[:3]
    ]
    assert ["not", "offered", "cors"] == lines[3][:3]


def test_list_names_every_promise_and_starts_nothing(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("--transport", "websocket", "--list")
    assert 0 == code
    assert [promise.id for promise in promises_of("websocket")] == [line.split()[0] for line in out.splitlines()]


def commands_of_the_page() -> list[list[str]]:
    text = (ROOT / "docs" / "your_own_server.md").read_text()
    return [shlex.split(line)[2:] for line in re.findall(r"^\.venv/bin/wirerace check .*$", text, re.MULTILINE)]


@pytest.mark.parametrize("arguments", commands_of_the_page(), ids=" ".join)
def test_command_of_the_page_is_understood(run: Callable[..., tuple[int, str, str]], arguments: list[str]) -> None:
    """tests/checking/test_commands.py runs them."""
    code, out, _ = run(*arguments, "--list")
    assert (0, True) == (code, "resume" in out)
    for word in " ".join(arguments).split():
        assert not word.startswith("examples/") or (ROOT / word).exists()
