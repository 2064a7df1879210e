"""Compressed messages, against the library websockets; and the bounds of what is unpacked."""

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.frames import Opcode as FrameOpcode

from wirerace.wire.deflate import EMPTY_BLOCK, RSV1, Deflater, Inflater, InflatingReader, inflated
from wirerace.wire.frames import CloseCode, FrameError, Message, Opcode, encode_frame, payload_of

MASK = b"mask"


@given(
    payloads=st.lists(st.binary(max_size=2_000), max_size=6),
    bits=st.integers(9, 15),
    level=st.integers(1, 9),
    takes_over=st.booleans(),
)
def test_library_reads_what_is_compressed_here(payloads: list[bytes], bits: int, level: int, takes_over: bool) -> None:
    library = PerMessageDeflate(not takes_over, not takes_over, bits, bits)
    deflater = Deflater(bits, level, takes_over=takes_over)
    for payload in payloads:
        sent = deflater.frame(encode_frame(Opcode.TEXT, payload))
        assert sent[0] == 0x80 | RSV1 | Opcode.TEXT
        assert payload == library.decode(Frame(FrameOpcode.TEXT, payload_of(sent), rsv1=True)).data
        if not takes_over:
            assert encode_frame(Opcode.TEXT, payload) == inflated(sent)


@given(
    payloads=st.lists(st.binary(max_size=2_000), max_size=6),
    bits=st.integers(9, 15),
    level=st.integers(1, 9),
    takes_over=st.booleans(),
)
def test_what_the_library_compresses_is_read_here(
    payloads: list[bytes], bits: int, level: int, takes_over: bool
) -> None:
    library = PerMessageDeflate(not takes_over, not takes_over, bits, bits, {"memLevel": level})
    inflater = Inflater(bits, 2_000, takes_over=takes_over)
    for payload in payloads:
        assert payload == inflater.inflate(bytes(library.encode(Frame(FrameOpcode.TEXT, payload)).data))


@pytest.mark.long
@pytest.mark.parametrize("level", [1, 5, 9])
def test_message_of_the_largest_size_is_taken_although_it_does_not_compress(level: int) -> None:
    noise = zlib.compress(bytes(range(256)) * 40_000, 9)[:10_000] * 7
    payload = noise[:65_536]
    sent = encode_frame(RSV1 | Opcode.BINARY, Deflater(9, level, takes_over=False).deflate(payload), MASK)
    reader = InflatingReader(Inflater(15, 65_536, takes_over=False), masked=True, max_message_bytes=65_536)
    assert [Message(Opcode.BINARY, payload)] == list(reader.feed(sent))


@pytest.mark.long
@pytest.mark.parametrize(("size", "is_taken"), [(999, True), (1_000, True), (1_001, False), (50_000_000, False)])
def test_message_unpacks_to_its_limit_and_no_further(size: int, is_taken: bool) -> None:
    sent = Deflater(15, 8, takes_over=False).deflate(bytes(size))
    inflater = Inflater(15, 1_000, takes_over=True)
    tracemalloc.start()
    try:
        if is_taken:
            assert bytes(size) == inflater.inflate(sent)
        else:
            with pytest.raises(FrameError) as error:
                inflater.inflate(sent)
            assert CloseCode.TOO_BIG == error.value.code
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_fragments_that_are_each_small_are_bounded_together() -> None:
    reader = InflatingReader(Inflater(15, 1_000, takes_over=False), masked=True, max_message_bytes=1_000)
    first = bytearray(encode_frame(RSV1 | Opcode.BINARY, bytes(100), MASK))
    first[0] &= 0x7F
    more = bytearray(encode_frame(Opcode.CONTINUATION, bytes(126), MASK))
    more[0] &= 0x7F
    with pytest.raises(FrameError) as error:
        list(reader.feed(bytes(first) + bytes(more) * 100))
    assert CloseCode.TOO_BIG == error.value.code


def test_many_last_blocks_in_one_message_are_refused_at_the_first() -> None:
    """Each would need a decompressor of its own, and a copy of the rest."""
    with pytest.raises(FrameError, match="damaged"):
        Inflater(15, 65_536, takes_over=True).inflate(b"\x03\x00" * 30_000)


def test_message_after_a_last_block_may_refer_back_to_it() -> None:
    compressor = zlib.compressobj(wbits=-15)
    last = compressor.compress(b"hello, hello") + compressor.flush() + b"\x00"
    following = zlib.compressobj(wbits=-15, zdict=b"hello, hello")
    inflater = Inflater(15, 100, takes_over=True)
    assert b"hello, hello" == inflater.inflate(last)
    sent = following.compress(b"hello, again") + following.flush(zlib.Z_SYNC_FLUSH)
    assert b"hello, again" == inflater.inflate(sent.removesuffix(EMPTY_BLOCK))
