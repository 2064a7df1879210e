"""What is read from a capture file: connections, their bytes in order, and the updates in them."""

import io

import pytest

from benchmarks.packet_figures import deliveries_in
from benchmarks.packets import BadCapture, Connection, segments_in
from tests.benchmarks.packets import HEAD_BYTES, Talk, Wire, answer, frame, read, request, update

SECOND = 1_700_000_000 * 10**9


def delivered(connection: Connection) -> list[tuple[int, int]]:
    return [(one.seq, one.at_ns - SECOND) for one in deliveries_in(connection)]


def asked() -> Wire:
    """Return a connection with one request."""
    wire = Wire()
    Talk(wire, SECOND).up(SECOND + 10, request())
    return wire


def test_update_that_is_split_is_whole_with_its_last_byte() -> None:
    wire = Wire()
    talk = Talk(wire, SECOND)
    whole = answer(update(1, 5))
    talk.down(SECOND + 10, whole[:-20])
    talk.down(SECOND + 30, whole[-20:])

    assert [(1, 30)] == delivered(read(wire)[0])


def test_update_that_ends_with_a_segment_does_not_wait_for_the_next_one() -> None:
    wire = Wire()
    talk = Talk(wire, SECOND)
    talk.down(SECOND + 10, update(1, 5))
    talk.down(SECOND + 20, update(2, 5))

    assert [(1, 10), (2, 20)] == delivered(read(wire)[0])


def test_each_update_of_an_answer_is_a_delivery() -> None:
    wire = Wire()
    Talk(wire, SECOND).down(SECOND + 10, answer(update(1, 5, r"a \"}"), update(2, 6), update(3, 7)))

    assert [(1, 10), (2, 10), (3, 10)] == delivered(read(wire)[0])


def test_what_was_sent_again_is_there_once() -> None:
    wire = Wire()
    talk = Talk(wire, SECOND)
    first, second = answer(update(1, 5)), answer(update(2, 6))
    talk.down(SECOND + 10, first)
    talk.at(SECOND + 20, first, 0)
    talk.at(SECOND + 30, first + second, 0)  # sent again together with what is new

    connection = read(wire)[0]
    assert [(1, 10), (2, 30)] == delivered(connection)
    assert first + second == connection.down.data
    assert 3 == sum(one.payload_bytes > 0 for one in connection.passed)


def test_update_behind_a_gap_is_whole_when_the_gap_is_filled() -> None:
    wire = Wire()
    talk = Talk(wire, SECOND)
    first, second, third = (answer(update(seq, 5)) for seq in (1, 2, 3))
    talk.down(SECOND + 10, first)
    place = talk.skip(second)
    talk.down(SECOND + 20, third)
    talk.at(SECOND + 30, second, place)

    assert [(1, 10), (2, 30), (3, 30)] == delivered(read(wire)[0])


def test_sequence_numbers_may_begin_again() -> None:
    wire = Wire()
    talk = Talk(wire, SECOND, first_seq=2**32 - 5_000_020)
    for number in range(1, 4):
        talk.down(SECOND + number, answer(update(number, 5)))

    assert [(1, 1), (2, 2), (3, 3)] == delivered(read(wire)[0])


def test_pair_of_ports_that_is_used_again_is_another_connection() -> None:
    wire = Wire()
    Talk(wire, SECOND).up(SECOND + 10, request())
    Talk(wire, SECOND + 20, first_seq=77_000).up(SECOND + 30, request("/ws"))

    assert [request(), request("/ws")] == [bytes(one.up.data) for one in read(wire)]


def test_syn_that_was_sent_again_begins_no_other_connection() -> None:
    wire = asked()
    wire.frames.insert(1, (SECOND + 1, wire.frames[0][1]))

    assert [request()] == [bytes(one.up.data) for one in read(wire)]


def test_direction_whose_syn_was_not_captured_has_no_bytes() -> None:
    wire = Wire()
    Talk(wire, SECOND).down(SECOND + 10, answer(update(1, 5)))
    del wire.frames[1]

    assert [] == delivered(read(wire)[0])


def test_payload_lies_between_the_options_of_tcp_and_the_end_of_the_ip_packet() -> None:
    plain = frame(1, 2, 7, b"option 12 payload")
    with_options = bytearray(plain)
    with_options[46] = 8 << 4  # 12 bytes of options
    padded = bytes(with_options) + bytes(6)
    unsized = bytearray(with_options)
    unsized[16:18] = bytes(2)  # as of a packet that is longer than the field can say
    wire = Wire()
    wire.frames = [(SECOND, padded), (SECOND, bytes(unsized))]

    found = list(segments_in(io.BytesIO(wire.pcap())))
    assert [(b"yload", 57), (b"yload", 57)] == [(one.payload, one.ip_bytes) for one in found]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("unit_ns", [1, 1000])
def test_both_byte_orders_and_both_units_of_time_are_read(order: str, unit_ns: int) -> None:
    wire = Wire()
    Talk(wire, SECOND).down(SECOND + 7000, answer(update(1, 5)))

    assert [(1, 7000)] == delivered(read(wire, order=order, unit_ns=unit_ns)[0])


@pytest.mark.parametrize("cut", [1, 30, HEAD_BYTES + 5])
def test_capture_that_ends_inside_a_packet_is_refused(cut: int) -> None:
    content = asked().pcap()

    with pytest.raises(BadCapture, match="ends inside a packet"):
        list(segments_in(io.BytesIO(content[:-cut])))


@pytest.mark.parametrize("content", [b"", b"\x0a\x0d\x0d\x0a" + bytes(40), b"\x4d\x3c\xb2\xa1"])
def test_file_that_is_no_pcap_is_refused(content: bytes) -> None:
    with pytest.raises(BadCapture, match="no pcap: it begins with"):
        list(segments_in(io.BytesIO(content)))


def test_packets_that_were_cut_and_other_links_are_refused() -> None:
    wire = asked()

    with pytest.raises(BadCapture, match="capture whole packets"):
        read(wire, whole=1)
    with pytest.raises(BadCapture, match="link type 113"):
        read(wire, link=113)


def test_other_packets_are_left_out() -> None:
    wire = asked()
    with_others = Wire()
    udp = bytearray(wire.frames[0][1])
    udp[23] = 17
    with_others.frames = [(SECOND, bytes(12) + b"\x86\xdd" + bytes(60)), (SECOND, bytes(udp)), *wire.frames]

    assert len(read(wire)) == len(read(with_others)) == 1
