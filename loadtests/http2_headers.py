"""Headers of HTTP/2: hpack packs and unpacks them, and what it has done for one client it need not do for the next."""

from functools import lru_cache

from hpack import Decoder, Encoder, HPACKError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from wirerace.errors import ConnectionLost

Headers = list[tuple[bytes, bytes] | tuple[bytes, bytes, bool]]
"""Headers to be sent; `True` keeps one out of the table of those that come again, as browsers do with :path."""
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
        raise ConnectionLost(f"the server broke HTTP/2: {error}") from None
    if is_alone:
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[block] = head
    return head
