"""Secrets in the encoding of Protocol Buffers, in which helm sends those of its releases; it reads JSON, too."""

from base64 import b64encode
from collections import defaultdict

from tests.stack.cluster.store import Described

MAGIC = b"k8s\0"
"""What every such object begins with; then comes one whose second field is the object itself."""
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5


def secret_in(body: bytes) -> Described:
    """Return a Secret: its metadata without times, its data and its type."""
    (raw,) = fields(body.removeprefix(MAGIC))[2]
    secret = fields(raw)
    metadata = fields(secret[1][0])
    described: Described = {"name": metadata[1][0].decode(), "labels": texts(metadata[11])}
    if version := b"".join(metadata[6]):
        described["resourceVersion"] = version.decode()
    data = {name: b64encode(content).decode() for name, content in pairs(secret[2]).items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": described, "data": data, "type": secret[3][0].decode()}


def fields(message: bytes) -> defaultdict[int, list[bytes]]:
    """Return the contents of all fields of a message that have a length, by their numbers."""
    found: defaultdict[int, list[bytes]] = defaultdict(list)
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        size = {EIGHT_BYTES: 8, FOUR_BYTES: 4}.get(key & 7, 0)
        if key & 7 in {LENGTH, VARINT}:
            value, at = varint(message, at)
            size = value if key & 7 == LENGTH else 0
        if key & 7 == LENGTH:
            found[key >> 3].append(message[at : at + size])
        at += size
    return found


def varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place, and the place after it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def pairs(entries: list[bytes]) -> dict[str, bytes]:
    """Return a map whose entries are messages: their first field is the key, their second the value."""
    found = [fields(entry) for entry in entries]
    return {b"".join(one[1]).decode(): b"".join(one[2]) for one in found}


def texts(entries: list[bytes]) -> dict[str, str]:
    """Return a map of texts."""
    return {name: value.decode() for name, value in pairs(entries).items()}
