from http import HTTPStatus

import msgspec
import pytest

from loadtests.connection import Address
from loadtests.http import HttpClient
from services.answers import encode_response
from tests.wirerace.reproductions.outcomes import MADE, SEQS, failed, outcome
from wirerace.record.parts import Bytes
from wirerace.reproductions.check import Check, Outcome
from wirerace.reproductions.kaazing import OWN_HEADER_BYTES, checks, message_bytes
from wirerace.wire.update import CURSOR_HEADER, Update, encode_update, join_batch

POLLS = 12_000
MESSAGE = encode_update(Update("0123abcd", SEQS[0], MADE[0], "x" * 20))


def sent(each_in: float, each_out: float, segments: int) -> Bytes:
    ip_in, ip_out = (POLLS * (each + 52 * segments) for each in (each_in, each_out))
    payload, application_in, application_out = (round(POLLS * each) for each in (20, each_in, each_out))
    return Bytes(payload, application_in, application_out, 0, round(ip_in), round(ip_out), 0, 0, 0)


def polled(header_bytes: int) -> Outcome:
    """Return polls that found one update each; the client's share of the headers does not matter."""
    body = len(join_batch([MESSAGE]))
    answers = {"data": POLLS, "empty": 0, "error": 0}
    return outcome("polling", bytes=sent(header_bytes, body, 1), responses=answers, arrived=POLLS)


def pushed(frame_bytes: float = 2) -> Outcome:
    return outcome("websocket", bytes=sent(0, frame_bytes + len(MESSAGE), 1), arrived=POLLS)


def found(paper: int = 871, frame: float = 2) -> list[Check]:
    return checks({"polling-paper": polled(paper), "polling": polled(OWN_HEADER_BYTES), "websocket": pushed(frame)})


def value(checks: list[Check], what: str) -> float:
    (measured,) = [check.measured for check in checks if check.what == what]
    assert measured is not None
    return measured


def test_headers_of_the_papers_size_reproduce_its_figures() -> None:
    checks = found()

    assert [] == failed(checks)
    assert pytest.approx(871) == value(checks, "headers of a poll, the paper's size")
    assert pytest.approx(6.645, abs=0.001) == value(checks, "polling, 1,000 clients")
    assert pytest.approx(0.01526, abs=0.00001) == value(checks, "WebSocket, 1,000 clients")
    assert pytest.approx(664.5, abs=0.1) == value(checks, "polling, 100,000 clients, extrapolated")
    assert pytest.approx(435.5) == value(checks, "ratio")
    assert pytest.approx(113) == value(checks, "ratio with our headers")


def test_a_layer_below_the_ratio_shrinks() -> None:
    body = len(MESSAGE) - 20 + 14
    expected = (871 + body + 104) / (2 + len(MESSAGE) - 20 + 104)

    assert pytest.approx(expected) == value(found(), "ratio at the IP layer")


def test_other_headers_fail_the_checks_that_depend_on_them() -> None:
    polling = [f"polling, {clients}" for clients in ("1,000 clients", "10,000 clients, extrapolated")]

    assert {"headers of a poll, the paper's size", "ratio", *polling} < set(failed(found(paper=800)))
    assert {"header of a frame", "ratio", "WebSocket, 1,000 clients"} < set(failed(found(frame=4)))


def test_what_was_not_counted_has_not_passed() -> None:
    unknown = Bytes(None, None, None, None, None, None, None, None, None)
    nothing = {
        name: outcome(name.partition("-")[0], bytes=unknown) for name in ("polling", "polling-paper", "websocket")
    }
    found = checks(nothing)

    assert [check.what for check in found if check.passed is not None] == failed(found)
    assert {check.measured for check in found} <= {None, 0.0}


def test_no_message_no_length() -> None:
    bare = pushed()
    raw = msgspec.structs.replace(bare.raw, truth=msgspec.structs.replace(bare.raw.truth, epochs=[]))

    assert 0 == message_bytes(Outcome(bare.trial, raw))
    assert len(MESSAGE) == message_bytes(bare)


def test_our_headers_are_as_long_as_we_say() -> None:
    request = f"GET /poll?after=0123abcd-17 HTTP/1.1\r\n{HttpClient(Address('127.0.0.1', 20_123))._tail}"
    body = join_batch([MESSAGE])
    headers = f"{CURSOR_HEADER}: 0123abcd-18\r\nCache-Control: no-store\r\n"
    answer = encode_response(HTTPStatus.OK, body, content_type="application/json", headers=headers)

    assert OWN_HEADER_BYTES == len(request) + len(answer) - len(body)
