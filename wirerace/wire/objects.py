"""JSON objects in a stream: lines, or objects that follow each other without anything between. No I/O."""

import json

MOST_OBJECT_BYTES = 8 * 1024 * 1024
_scan = json.JSONDecoder().raw_decode
_OPENS = (b"{", b"[")


class ObjectTooLarge(ValueError):
    """An object has no end after `MOST_OBJECT_BYTES`."""


class ObjectReader:
    """Finds the objects, or arrays, of a body that says nowhere where each of them ends.

    A line is a message. What follows the last line feed is a message as soon as it is whole, because no JSON object is
    the beginning of another one. What cannot become JSON is a message at once: what decodes it can say what it is.
    """

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def is_cut(self) -> bool:
        """Whether what was fed last ended inside an object."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that become whole with these bytes.

        Raises ObjectTooLarge.
        """
        *lines, rest = (self._buffer + data).split(b"\n")
        found: list[bytes] = []
        for line in lines:
            if stripped := line.strip():
                found += [stripped] if b"}{" not in stripped else self._all_in(stripped)
        self._buffer = self._left_of(rest.lstrip(), found)
        if len(self._buffer) > MOST_OBJECT_BYTES:
            raise ObjectTooLarge(f"no end of an object after {len(self._buffer)} bytes")
        return found

    def _all_in(self, line: bytes) -> list[bytes]:
        """Return the objects of a line that may hold several; the rest of it is a message, too."""
        found: list[bytes] = []
        left = self._left_of(line, found)
        return [*found, left] if left else found

    @staticmethod
    def _left_of(text: bytes, found: list[bytes]) -> bytes:
        """Add the whole objects at the beginning of a text, and return what is left of it."""
        if not text:
            return b""
        if not text.startswith(_OPENS):
            found.append(text)
            return b""
        if not text.rstrip().endswith((b"}", b"]")) and b"}{" not in text:  # the usual case of a cut object
            return text
        decoded, at = text.decode("utf-8", "surrogateescape"), 0
        while at < len(decoded):
            try:
                _, end = _scan(decoded, at)
            except (ValueError, RecursionError):
                break
            found.append(decoded[at:end].encode("utf-8", "surrogateescape"))
            at = end + len(decoded[end:]) - len(decoded[end:].lstrip())
        return decoded[at:].encode("utf-8", "surrogateescape")
