"""Peers that agree on compression with a WebSocket server, and what they send."""

import json
import zlib

from tests.contract.frames import Peer, shake_hands
from tests.contract.stage import Stage
from wirerace.wire.deflate import EMPTY_BLOCK

MODES = ("shared", "per-client")
COMPRESSED = 4  # RSV1
NAME = "permessage-deflate"
ALL_OFFERS = f"{NAME}; client_max_window_bits"  # as browsers send it


def offering(offers: str) -> str:
    return f"Sec-WebSocket-Extensions: {offers}"


async def agreeing(stage: Stage, query: str = "", offers: str = ALL_OFFERS, behind: bytes = b"") -> Peer:
    """Return a peer that has agreed on compression."""
    peer = await shake_hands(stage, query, offering(offers), behind=behind)
    assert peer.agreed
    return peer


async def numbers(peer: Peer, count: int) -> list[int]:
    """Return the numbers of the next updates."""
    found: list[int] = []
    while len(found) < count:
        received = await peer.next()
        assert isinstance(received.payload, bytes)
        updates = json.loads(received.payload)
        found += [update["seq"] for update in (updates if isinstance(updates, list) else [updates])]
    return found


def deflated(*payloads: bytes, bits: int = 12, level: int = 5, mode: int = zlib.Z_SYNC_FLUSH) -> list[bytes]:
    """Return payloads compressed by one compressor, as the RFC says."""
    compressor = zlib.compressobj(wbits=-bits, memLevel=level)
    return [(compressor.compress(payload) + compressor.flush(mode)).removesuffix(EMPTY_BLOCK) for payload in payloads]
