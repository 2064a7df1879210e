"""Headers of HTTP/2: hpack packs and unpacks them, and what it has done for one client it need not do for the next."""

from functools import lru_cache
from typing import NamedTuple

from hpack import Decoder, Encoder, HPACKError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from loadtests.http2_frames import CONTINUATION, END_HEADERS, END_STREAM, HEADERS, WireFrame, broken
from wirerace.errors import ConnectionLost

Headers = list[tuple[bytes, bytes] | tuple[bytes, bytes, bool]]
"""Headers to be sent; `True` keeps one out of the table of those that come again, as browsers do with :path."""
MOST_HEAD_BYTES = 65_536
MOST_KNOWN = 256
_TOP_BITS, _SIZE_UPDATE = 0xE0, 0x20
_KNOWN: dict[bytes, dict[bytes, bytes]] = {}


class _Huffman:
    """hpack's code, for all connections: clients that have the same cursor ask for the same path."""

    encode = staticmethod(lru_cache(4096)(HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode))


def share_code(encoder: Encoder) -> None:
    """Let an encoder remember with all others what it has encoded."""
    encoder.huffman_coder = _Huffman  # type: ignore[assignment]


def unpacked_head(decoder: Decoder, block: bytes) -> dict[bytes, bytes]:
    """Return the headers in a block. The dictionary must not be changed.

    A server whose table has no room, as nginx's, refers to nothing that came before. Then the same block has the same
    headers, on whichever connection. Raises ConnectionLost when the block is damaged, or too large.
    """
    is_alone = not decoder.header_table_size and block[:1] and block[0] & _TOP_BITS != _SIZE_UPDATE
    if is_alone and (known := _KNOWN.get(block)) is not None:
        return known
    try:
        head: dict[bytes, bytes] = dict(decoder.decode(block, raw=True))
    except HPACKError as error:
        raise broken(str(error)) from None
    if is_alone:
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[block] = head
    return head


class ReadHead(NamedTuple):
    """Headers that a server has sent, and whether nothing follows them."""

    head: dict[bytes, bytes]
    is_end: bool


class HeadReader:
    """Reads the headers on one connection, which may go over several frames. `is_within` tells that more must come."""

    __slots__ = ("_block", "_decoder", "_first")

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._first: WireFrame | None = None
        self._block = b""

    @property
    def is_within(self) -> bool:
        """Tell whether the next frame must go on with the headers."""
        return self._first is not None

    def feed(self, frame: WireFrame) -> ReadHead | None:
        """Return the headers that become whole with a frame.

        Raises ConnectionLost when something else comes before they are (RFC 9113, section 6.10), or no end.
        """
        first = self._first
        wanted = HEADERS if first is None else CONTINUATION
        if frame.kind != wanted or (first or frame).stream_id != frame.stream_id:
            raise broken(f"a frame of type {frame.kind} among headers")
        block = self._block + frame.payload
        if frame.flags & END_HEADERS:
            self._first, self._block = None, b""
            return ReadHead(unpacked_head(self._decoder, block), bool((first or frame).flags & END_STREAM))
        if len(block) > MOST_HEAD_BYTES:
            raise ConnectionLost(f"no end of the answer's head after {len(block)} bytes")
        self._first, self._block = first or frame, block
        return None
