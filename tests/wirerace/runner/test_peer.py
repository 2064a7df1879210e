"""A peer with malformed answers fails a trial, by name, and not the whole experiment."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.refusals import lacking
from wirerace.errors import TrialFailed
from wirerace.observe.account import LoadState
from wirerace.runner.peer import Peer
from wirerace.runner.sampling import server_sample


@contextmanager
def peer_that_answers(answer: bytes) -> Iterator[Peer]:
    """Yield a peer that gives one request this answer, byte for byte, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        server = threading.Thread(target=serve)
        server.start()
        yield Peer("the load", listener.getsockname()[1])
        server.join()


def answered(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def refusal_of(answer: bytes, ask: Callable[[Peer], object]) -> str:
    with peer_that_answers(answer) as peer, pytest.raises(TrialFailed) as refusal:
        ask(peer)
    return str(refusal.value)


def state_of(peer: Peer) -> LoadState:
    return peer.get("/state", LoadState)


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (b"", ["no JSON", "truncated"]),
        (b"<html>", ["no JSON", "byte 0"]),
        (b"[" * 100_000, ["a table"]),
        (b"null", ["a table", "None"]),
        (b'{"subscribed": "all"}', ["it.subscribed", "whole number", "'all'"]),
    ],
)
def test_answer_that_cannot_be_decoded_fails_the_trial_with_the_name_of_its_peer(body: bytes, facts: list[str]) -> None:
    line = refusal_of(answered(body), state_of)
    assert [] == lacking(line, "the load answers GET /state", facts), line


@pytest.mark.parametrize(
    ("ask", "request_line"),
    [
        (lambda peer: peer.send("PUT", "/window", {}, LoadState), "PUT /window"),
        (lambda peer: peer.post("/swarm", "a=1", LoadState), "POST /swarm"),
    ],
)
def test_every_kind_of_request_is_named(ask: Callable[[Peer], object], request_line: str) -> None:
    line = refusal_of(answered(b"{]"), ask)
    assert [] == lacking(line, f"the load answers {request_line}", ["no JSON"]), line


def test_error_is_said_in_a_line_whatever_it_is_made_of() -> None:
    line = refusal_of(answered(b"\x1b[2J\xff\n" + b"x" * 999, b"503 Busy"), state_of)
    assert line.startswith(r"the load answers GET /state with 503: \x1b[2J�\nxxx")
    assert len(line) < 300


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
def test_answer_that_is_no_http_fails_the_trial(answer: bytes) -> None:
    assert refusal_of(answer, state_of).startswith("the load does not answer GET /state: ")


@pytest.mark.parametrize("body", [b"\xff", b"wirerace_clients many\n", b"no_value\n"])
def test_metrics_that_are_none_fail_the_trial(body: bytes) -> None:
    assert [] == lacking(refusal_of(answered(body), Peer.metrics), "the load answers GET /metrics", ["no metrics"])


@pytest.mark.parametrize("body", [b"", b"wirerace_payload_bytes_total NaN\n", b"wirerace_payload_bytes_total +Inf\n"])
def test_metric_that_is_missing_or_no_number_fails_the_trial(body: bytes) -> None:
    line = refusal_of(answered(body), lambda peer: server_sample(peer.metrics(), None, 0))
    assert [] == lacking(line, "the load", ["no finite metric", "wirerace_payload_bytes_total"]), line
