import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wirerace.wire.framing import MASK, Frame, outcome_of, splits_of
from wirerace.wire.frames import CloseCode, Message, Opcode


def head(size: int, *, masked: bool) -> bytes:
    """Return the head of a binary frame of `size` bytes, of which none has come."""
    short, extended = (126, struct.pack("!H", size)) if size < 1 << 16 else (127, struct.pack("!Q", size))
    return bytes([0x82, masked << 7 | short]) + extended


def sent(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, length_bits: int = 0) -> Frame:
    return Frame(opcode, payload, fin, MASK, reserved, length_bits)


MOST_BYTES = 60_000
CONTROL = (Opcode.CLOSE, Opcode.PING, Opcode.PONG)
NOT_SHORTEST = [(0, 16), (125, 16), (0, 64), (125, 64), (126, 64), (65_535, 64)]
PROTOCOL_ERRORS = {
    **{f"reserved bit {bit}": [sent(Opcode.TEXT, b"text", reserved=bit)] for bit in (1, 2, 4)},
    **{f"opcode {opcode}": [sent(opcode)] for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"fragmented {opcode.name}": [sent(opcode, fin=False)] for opcode in CONTROL},
    **{f"oversized {opcode.name}": [sent(opcode, b"\x03\xe8" + b"a" * 124)] for opcode in CONTROL},
    "control frame with a 64-bit length": [sent(Opcode.PING, length_bits=64)],
    "frame without a mask": [Frame(Opcode.TEXT, b"text")],
    **{
        f"{size} bytes with a {bits}-bit length": [sent(Opcode.TEXT, b"a" * size, length_bits=bits)]
        for size, bits in NOT_SHORTEST
    },
    "continuation of nothing": [sent(Opcode.CONTINUATION)],
    "message within a message": [sent(Opcode.TEXT, b"one", fin=False), sent(Opcode.TEXT, b"other")],
    "close with half a code": [sent(Opcode.CLOSE, b"\x03")],
    **{
        f"close code {code}": [sent(Opcode.CLOSE, struct.pack("!H", code))]
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65_535)
    },
}
BAD_UTF8 = {
    **{
        f"text {payload!r}": [sent(Opcode.TEXT, payload)]
        for payload in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"a\x80")
    },
    "text that is bad only when put together": [sent(Opcode.TEXT, b"\xc3", fin=False), sent(Opcode.CONTINUATION, b"(")],
    "close with a bad reason": [sent(Opcode.CLOSE, b"\x03\xe8\xff")],
}
TOO_BIG = {
    "text": [sent(Opcode.TEXT, b"a" * (MOST_BYTES + 1))],
    "binary": [sent(Opcode.BINARY, b"a" * 70_000)],
    "fragments together": [sent(Opcode.TEXT, b"a" * MOST_BYTES, fin=False), sent(Opcode.CONTINUATION, b"a")],
}
MALFORMED = {
    f"{code.name} {name}": (frames, code)
    for code, cases in {
        CloseCode.PROTOCOL_ERROR: PROTOCOL_ERRORS,
        CloseCode.BAD_PAYLOAD: BAD_UTF8,
        CloseCode.TOO_BIG: TOO_BIG,
    }.items()
    for name, frames in cases.items()
}
GOOD = [Message(Opcode.TEXT, b"good"), Message(Opcode.PING, b"")]


sides = pytest.mark.parametrize("masked", [False, True], ids=["to a client", "to a server"])


def encoded(frames: list[Frame], *, masked: bool) -> list[bytes]:
    """Return good frames and then `frames`, in a server's form; for a client, masks are inverted."""
    whole = [*(sent(*message) for message in GOOD), *frames]
    return [(frame if masked else frame._replace(mask=b"" if frame.mask else MASK)).encoded() for frame in whole]


@sides
@pytest.mark.parametrize("name", MALFORMED)
def test_reader_refuses_what_breaks_the_protocol_after_all_that_was_good(name: str, *, masked: bool) -> None:
    frames, code = MALFORMED[name]
    reads = encoded(frames, masked=masked)

    assert (GOOD, code) == outcome_of([b"".join(reads)], masked=masked, most_bytes=MOST_BYTES)
    assert (GOOD, code) == outcome_of(reads, masked=masked, most_bytes=MOST_BYTES)


@pytest.mark.long
@given(st.sampled_from(sorted(MALFORMED)), st.booleans(), st.data())
def test_malformed_streams_end_alike_however_they_are_split(name: str, masked: bool, data: st.DataObject) -> None:
    frames, code = MALFORMED[name]
    chunks = data.draw(splits_of(b"".join(encoded(frames, masked=masked))))

    assert (GOOD, code) == outcome_of(chunks, masked=masked, most_bytes=MOST_BYTES)


@sides
@pytest.mark.parametrize("size", [200, 65_535, 65_536, 2**63 - 1])
def test_too_big_a_frame_is_refused_from_its_head_on(size: int, *, masked: bool) -> None:
    assert ([], CloseCode.TOO_BIG) == outcome_of([head(size, masked=masked)], masked=masked, most_bytes=199)


@sides
@pytest.mark.parametrize("size", [2**63, 2**64 - 1])
def test_a_length_of_64_bits_with_the_highest_bit_set_is_an_error(size: int, *, masked: bool) -> None:
    assert ([], CloseCode.PROTOCOL_ERROR) == outcome_of([head(size, masked=masked)], masked=masked)


@sides
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"", b"\xff"),
        (b"caf", b"\xc0"),
        ("€".encode(), b"\x80"),
        (b"\xe2\x82", b"("),
        (b"\xf4", b"\x90"),
        (b"\xed", b"\xa0"),
    ],
)
def test_text_is_refused_at_the_byte_that_makes_it_impossible(good: bytes, bad: bytes, *, masked: bool) -> None:
    """Neither its frame is whole then, nor its message."""
    text = good + bad + b"and more"
    for fin in (True, False):
        data = Frame(Opcode.TEXT, text, fin, MASK if masked else b"").encoded()
        until = len(data) - len(b"and more")
        pieces = [data[index : index + 1] for index in range(until)]

        assert ([], None) == outcome_of(pieces[:-1], masked=masked)
        assert ([], CloseCode.BAD_PAYLOAD) == outcome_of(pieces, masked=masked)
        assert ([], CloseCode.BAD_PAYLOAD) == outcome_of([data[:until]], masked=masked)
