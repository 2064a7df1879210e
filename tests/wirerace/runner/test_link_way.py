"""One direction of a link, and the buffer before it, without any socket."""

from itertools import islice, pairwise
from statistics import fmean

import pytest

from wirerace.experiment.paths import SEGMENT_BYTES, NetworkPath
from wirerace.runner.network.answers import AnswerBuffer
from wirerace.runner.network.way import Draws, LinkWay

NOW = 100.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def line(direction: int = 0, seed: int = 1) -> LinkWay:
    return LinkWay(Draws(seed).of(direction))


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def due(way: LinkWay, path: NetworkPath, data: bytes = b"x", ready: float = NOW) -> float:
    return list(way.arrivals(path, data, ready))[-1][0] - ready


@pytest.mark.long
def test_jitter_is_uniform_and_the_same_for_the_same_seed_and_direction() -> None:
    path = NetworkPath(0.1, jitter_seconds=0.05)

    def taken(direction: int, seed: int) -> list[float]:
        way = line(direction, seed)
        return [due(way, path, ready=NOW + number) for number in range(2000)]

    first = taken(3, 7)
    assert 0.1 <= min(first) < 0.101
    assert 0.149 < max(first) <= 0.15
    assert pytest.approx(0.125, abs=0.002) == fmean(first)
    assert first == taken(3, 7)
    assert first != taken(4, 7)
    assert first != taken(3, 8)


def test_later_bytes_never_arrive_before_earlier_ones() -> None:
    way, path = line(), NetworkPath(jitter_seconds=0.5)
    arrivals = [at for number in range(500) for at, _ in way.arrivals(path, b"x", NOW + number / 100)]

    assert all(before <= after for before, after in pairwise(arrivals))
    assert any(before == after for before, after in pairwise(arrivals)), "the order had to be kept somewhere"


def test_bytes_leave_one_after_the_other_at_the_bandwidth() -> None:
    way, path = line(), NetworkPath(0.1, bandwidth_bits_per_second=80_000)

    assert pytest.approx([0.11, 0.12, 0.11]) == [
        due(way, path, bytes(100)),
        due(way, path, bytes(100)),
        due(way, path, bytes(100), NOW + 5),
    ]


def test_first_bytes_of_a_large_answer_arrive_long_before_its_last() -> None:
    data = bytes(range(256)) * 100
    found = list(line().arrivals(NetworkPath(bandwidth_bits_per_second=1e6), data, NOW))

    assert data == b"".join(piece for _, piece in found)
    assert pytest.approx(8 * SEGMENT_BYTES / 1e6) == found[0][0] - NOW
    assert pytest.approx(8 * len(data) / 1e6) == found[-1][0] - NOW


def test_fast_link_takes_no_more_than_a_thousand_pieces_a_second() -> None:
    assert 8 == len(list(line().arrivals(NetworkPath(bandwidth_bits_per_second=1e9), bytes(1_000_000), NOW)))


def test_end_of_a_stream_comes_after_its_bytes() -> None:
    way, path = line(), NetworkPath(0.1, bandwidth_bits_per_second=80_000)

    assert due(way, path, bytes(1000)) == due(way, path, b"")


def test_table_of_draws_begins_again() -> None:
    draws = Draws(1).of(1)

    assert list(islice(draws, 10)) == list(islice(draws, 65_526, 65_536))


def test_answer_with_a_length_is_passed_on_at_once_in_every_split() -> None:
    for size in range(1, len(WITH_LENGTH) + 1):
        buffer = AnswerBuffer()
        parts = [WITH_LENGTH[at : at + size] for at in range(0, len(WITH_LENGTH), size)]
        assert WITH_LENGTH * 2 == b"".join(buffer.take(part, 4096) for part in parts * 2)


@pytest.mark.parametrize("head", [HEAD, SWITCHING])
def test_answer_without_end_is_passed_on_in_full_buffers_with_its_head(head: bytes) -> None:
    sent = head + b"".join(chunk(b"%050d" % number) for number in range(40))
    for size in (1, 7, 300, len(sent)):
        buffer, parts = AnswerBuffer(), [sent[at : at + size] for at in range(0, len(sent), size)]
        passed = [buffer.take(part, 512) for part in parts]

        assert all(not len(part) % 512 for part in passed)
        assert sent[: len(sent) // 512 * 512] == b"".join(passed)
        assert sent == b"".join(passed) + buffer.rest()


def test_chunked_answer_that_ends_is_passed_on_whole_and_the_next_one_is_looked_at_anew() -> None:
    buffer = AnswerBuffer()
    assert b"" == buffer.take(HEAD + chunk(b"one"), 4096)
    assert HEAD + chunk(b"one") + b"0\r\n\r\n" == buffer.take(b"0\r\n\r\n", 4096)
    assert WITH_LENGTH == buffer.take(WITH_LENGTH, 4096)
    assert b"" == buffer.take(HEAD, 4096)


def test_answers_without_a_body_are_not_held_back() -> None:
    for answer in (b"HTTP/1.1 204 No Content\r\n\r\n", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'):
        assert answer == AnswerBuffer().take(answer, 4096)


def test_what_is_no_http_is_not_held_back() -> None:
    buffer = AnswerBuffer()

    assert b"SSH-2.0-x\r\n" == buffer.take(b"SSH-2.0-x\r\n", 4096)
    assert b"more" == buffer.take(b"more", 4096)


def test_first_buffer_that_was_used_before_is_passed_on_sooner_and_the_others_are_whole() -> None:
    sent, buffer = HEAD + chunk(bytes(900)), AnswerBuffer(400)
    passed = [len(part) for at in range(len(sent)) if (part := buffer.take(sent[at : at + 1], 500))]

    assert [100, *[500] * ((len(sent) - 100) // 500)] == passed
