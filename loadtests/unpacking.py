"""Compressed answers: what a client says it accepts, and how it unpacks what comes, also in pieces. Without I/O."""

import zlib
from typing import Any, Literal, Protocol

from loadtests.bodies import MessageReader
from wirerace.errors import BadAnswer, BadInput, ConnectionLost, shown

Accepted = Literal["off", "gzip", "br"]
MOST_UNPACKED_BYTES = 128 * 1024 * 1024  # as much as an answer may have that is not compressed
GZIP_WINDOW = 16 + zlib.MAX_WBITS
ENCODING_HEADER = b"content-encoding"


class Unpacker(Protocol):
    """Unpacks one answer, piece by piece."""

    def unpack(self, data: bytes) -> bytes:
        """Return what can be unpacked with the next bytes.

        Raises BadAnswer when they are damaged, or too much.
        """


class GzipUnpacker:
    """gzip (RFC 1952). Each keeps a window of 32 KiB."""

    __slots__ = ("_inflate",)

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(GZIP_WINDOW)

    def unpack(self, data: bytes) -> bytes:
        """Return what can be unpacked with the next bytes."""
        try:
            found = self._inflate.decompress(data, MOST_UNPACKED_BYTES)
        except zlib.error as error:
            raise BadAnswer(f"an answer with gzip is damaged: {error}") from None
        if self._inflate.unconsumed_tail:
            raise BadAnswer(f"an answer has more than {MOST_UNPACKED_BYTES} bytes unpacked")
        return found


class BrotliUnpacker:
    """Brotli (RFC 7932)."""

    __slots__ = ("_decompressor", "_error")

    def __init__(self) -> None:
        brotli = brotli_package()
        self._decompressor, self._error = brotli.Decompressor(), brotli.error

    def unpack(self, data: bytes) -> bytes:
        """Return what can be unpacked with the next bytes."""
        found = bytearray()
        try:
            found += self._decompressor.process(data)
            while not self._decompressor.can_accept_more_data():  # it returns 32 KiB at a time
                found += self._decompressor.process(b"")
                if len(found) > MOST_UNPACKED_BYTES:
                    raise BadAnswer(f"an answer has more than {MOST_UNPACKED_BYTES} bytes unpacked")
        except self._error as error:
            raise BadAnswer(f"an answer with br is damaged: {error}") from None
        return bytes(found)


def accepting(accepted: Accepted) -> str:
    """Return the header line that asks for answers with a compression; empty for none."""
    return "" if accepted == "off" else f"Accept-Encoding: {accepted}\r\n"


def unpacker_of(encoding: bytes, accepted: Accepted) -> Unpacker | None:
    """Return what unpacks an answer whose head names this encoding; None if it is not encoded.

    Raises BadAnswer for an encoding that was not asked for.
    """
    name = encoding.strip().lower().decode("latin-1")
    if name in {"", "identity"}:
        return None
    if name != accepted:
        asked = "for none" if accepted == "off" else f"for {accepted}"
        raise BadAnswer(f"an answer has Content-Encoding {shown(name)}, and the request asked {asked}")
    return GzipUnpacker() if name == "gzip" else BrotliUnpacker()


def unpacked(body: bytes, encoding: bytes, accepted: Accepted) -> bytes:
    """Return a whole body without its encoding.

    Raises BadAnswer when it is damaged, or has an encoding that was not asked for.
    """
    unpacker = unpacker_of(encoding, accepted) if body else None
    return body if unpacker is None else unpacker.unpack(body)


class UnpackingMessages:
    """Takes a compressed body apart. What comes next depends on all that came before, so it is never idle."""

    __slots__ = ("_messages", "_unpacker", "content_type")
    is_idle = False

    def __init__(self, messages: MessageReader, unpacker: Unpacker) -> None:
        self.content_type = messages.content_type
        self._messages = messages
        self._unpacker = unpacker

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside a message."""
        return self._messages.is_cut

    def feed(self, body: bytes) -> list[bytes]:
        """Return the messages that become whole.

        Raises ConnectionLost when the body is damaged: what follows cannot be read.
        """
        try:
            content = self._unpacker.unpack(body)
        except BadAnswer as error:
            raise ConnectionLost(str(error)) from None
        return self._messages.feed(content) if content else []


def brotli_package() -> Any:
    """Return the package that unpacks Brotli.

    Raises BadInput, with the cure, when it is not installed.
    """
    try:
        import brotli  # noqa: PLC0415 -- only loads that ask for it need it
    except ImportError:
        raise BadInput('compression = "br" needs the package brotli: run this with the Python of .venv') from None
    return brotli
