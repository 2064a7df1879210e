"""The WebSocket handshake (RFC 6455, section 4.2): which requests are accepted, and the answer to them."""

import base64
import binascii
import hashlib
from http import HTTPStatus

from aiohttp import web

from services import heads
from wirerace.errors import BadInput

HANDSHAKE_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
UPGRADE_HEADERS = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


def accept_of(request: web.BaseRequest, allowed_origins: frozenset[str]) -> str:
    """Return the Sec-WebSocket-Accept of a handshake.

    Raises Unmet with 403 for a page of another origin, and with 426 for a request that does not ask for WebSocket 13.
    Raises BadInput when the key is malformed.
    """
    heads.refuse_foreign(request, allowed_origins)
    headers = request.headers
    upgrades = request.version >= (1, 1) and "websocket" in heads.tokens_of(headers, "Upgrade")
    if not upgrades or "upgrade" not in heads.tokens_of(headers, "Connection"):
        raise _not_upgraded("this path speaks WebSocket: send Upgrade: websocket and Connection: Upgrade")
    if headers.getall("Sec-WebSocket-Version", []) != ["13"]:
        raise _not_upgraded("Sec-WebSocket-Version must be 13")
    keys = [key.encode(errors="surrogateescape") for key in headers.getall("Sec-WebSocket-Key", [])]
    if len(keys) != 1 or len(_decoded(keys[0])) != 16:
        raise BadInput("Sec-WebSocket-Key must be 16 bytes in base64")
    return base64.b64encode(hashlib.sha1(keys[0] + HANDSHAKE_GUID, usedforsecurity=False).digest()).decode()


def switching(accept: str, headers: str = "") -> bytes:
    """Return the answer to a handshake; `headers` are lines that end in CRLF."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    ).encode("latin-1")


def _not_upgraded(line: str) -> heads.Unmet:
    return heads.Unmet(HTTPStatus.UPGRADE_REQUIRED, line, UPGRADE_HEADERS)


def _decoded(key: bytes) -> bytes:
    try:
        return base64.b64decode(key, validate=True)
    except binascii.Error:
        return b""
