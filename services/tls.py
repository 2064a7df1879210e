"""TLS: what a server writes is encrypted in between, and its protocols read what was decrypted, as without TLS.

The event loop has TLS of its own. But it hides what the kernel has not taken yet, up to 64 KiB, so that a slow reader
would be noticed too late; and a client that ends its sending side would get no answer any more.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services import connection as slow
from wirerace.certificates import CHAIN, KEY
from wirerace.errors import BadInput
from wirerace.observe.metrics import ServiceMetrics

RECORD_BYTES = 16_384
"""The most of a record (RFC 8446, section 5.1): one read returns a whole one."""


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """One connection with TLS: the protocol of its TCP connection, and the transport of the protocol above it.

    The protocol above is made when the handshake is done. `get_write_buffer_size` counts what is encrypted already.
    """

    __slots__ = ("_above", "_below", "_door", "_has_ended", "_incoming", "_outgoing", "_since", "_stays", "_tls")

    def __init__(self, door: "TlsDoor") -> None:
        super().__init__()
        self._door = door
        self._above: Any = None
        self._below: Any = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = door.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._has_ended = False
        self._stays = False
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the client's first words."""
        self._below = transport
        self._since = asyncio.get_running_loop().time()
        self._door.shaking.add(self)

    def data_received(self, data: bytes) -> None:
        """Decrypt what came, for the protocol above."""
        self._incoming.write(data)
        if self._above is None and not self._shake_hands():
            return
        if self._incoming.pending:
            self._read()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; return whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError:  # no TLS, or a client that does not trust the certificate
            self._flush()
            self._below.close()
            return False
        self._flush()
        self._door.shaking.discard(self)
        self._above = self._door.accept()
        self._above.connection_made(self)
        return True

    def _read(self) -> None:
        parts, read, incoming = [], self._tls.read, self._incoming
        has_ended = False
        try:
            while incoming.pending:
                if not (part := read(RECORD_BYTES)):
                    has_ended = True
                    break
                parts.append(part)
        except ssl.SSLWantReadError:  # part of a record is left
            pass
        except ssl.SSLZeroReturnError:
            has_ended = True
        except ssl.SSLError:
            self._flush()  # the client learns why
            self._below.abort()
            return
        if parts:
            self._above.data_received(parts[0] if len(parts) == 1 else b"".join(parts))
        if has_ended and not self._end():
            self.close()

    def _end(self) -> bool:
        """Note that the client sends nothing more; return whether the connection stays open for what it waits for."""
        if not self._has_ended and self._above is not None:
            self._has_ended = True
            self._stays = bool(self._above.eof_received())
        return self._stays

    def _flush(self) -> None:
        if self._outgoing.pending and not self._below.is_closing():
            self._below.write(self._outgoing.read())

    def _say_goodbye(self) -> None:
        """Tell the client that nothing more comes. Its own goodbye is not waited for."""
        with contextlib.suppress(ssl.SSLError):  # the client's goodbye is missing, or the handshake is not done
            self._tls.unwrap()
        self._flush()

    def eof_received(self) -> bool:
        """Return whether the connection stays open: a client that ends without a goodbye ends all the same."""
        return self._end()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Pass it on."""
        self._door.shaking.discard(self)
        above, self._above = self._above, None
        if above is not None:
            above.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._above is not None:
            self._above.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._above is not None:
            self._above.resume_writing()

    def look(self, now: float) -> int:
        """End a connection whose handshake takes too long; nothing waits for its client."""
        if self in self._door.shaking and now - self._since >= slow.REQUEST_SECONDS:
            self._door.metrics.request_timeouts += 1
            self.abort()
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and write."""
        if not data:
            return
        write = self._tls.write
        try:
            sent = write(data)
            while sent < len(data):
                sent += write(data[sent:])
        except ssl.SSLError:
            if self._below.is_closing():  # nobody would read it
                return
            raise
        self._below.write(self._outgoing.read())

    def write_eof(self) -> None:
        """End our side: what the client sends is still read."""
        self._say_goodbye()
        self._below.write_eof()

    def can_write_eof(self) -> bool:
        """Return that it can."""
        return True

    def close(self) -> None:
        """Close when everything is written."""
        if not self._below.is_closing():
            self._say_goodbye()
            self._below.close()

    def abort(self) -> None:
        """Close at once."""
        self._below.abort()

    def is_closing(self) -> bool:
        """Return whether it is closed, or will be."""
        return bool(self._below.is_closing())

    def get_write_buffer_size(self) -> int:
        """Return the bytes that the kernel has not taken."""
        size: int = self._below.get_write_buffer_size()
        return size

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when the protocol above is asked to pause."""
        self._below.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        """Read nothing more: what was read is decrypted and passed on already."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._below.resume_reading()

    def is_reading(self) -> bool:
        """Return whether it reads."""
        return bool(self._below.is_reading())

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Set the protocol above."""
        self._above = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol above."""
        protocol: asyncio.BaseProtocol = self._above
        return protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        own = {"ssl_object": self._tls, "sslcontext": self._tls.context}
        return own[name] if name in own else self._below.get_extra_info(name, default)


class TlsDoor:
    """The port of a server at which its clients speak TLS. `shaking` are those whose handshake is not done."""

    def __init__(self, context: ssl.SSLContext, port: int, metrics: ServiceMetrics) -> None:
        self.context = context
        self.port = port
        self.metrics = metrics
        self.shaking: set[TlsTransport] = set()
        self.accept: Callable[[], asyncio.Protocol]
        self._listener: asyncio.Server | None = None

    async def open(self, host: str, accept: Callable[[], asyncio.Protocol], backlog: int) -> None:
        """Listen; `accept` returns what takes the bytes of a new client.

        Raises BadInput when the port is not available.
        """
        self.accept = accept
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(lambda: TlsTransport(self), host, self.port, backlog=backlog)
        except OSError as error:
            raise BadInput(
                f"cannot listen on {host}:{self.port}: {error.strerror or error}; choose another with --tls-port"
            ) from None
        self._listener = listener
        self.port = listener.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no longer, and end those whose handshake is not done."""
        if self._listener is not None:
            self._listener.close()
        for one in list(self.shaking):
            one.abort()


def context_in(directory: str, chain_file: str, key_file: str) -> ssl.SSLContext | None:
    """Return the context of a server with the files in a directory, if it has them, or else with named files.

    Raises BadInput for both at once, and for what `server_context` refuses.
    """
    if not directory:
        return server_context(chain_file, key_file)
    if chain_file or key_file:
        raise BadInput("--tls-directory has the names of both files: leave out --tls-chain-file and --tls-key-file")
    files = [Path(directory, name) for name in (CHAIN, KEY)]
    return server_context(*map(str, files)) if all(file.exists() for file in files) else None


def server_context(chain_file: str, key_file: str) -> ssl.SSLContext | None:
    """Return the context of a server with a certificate, its chain and its key in files of PEM; None without files.

    Raises BadInput when only one of them is given, or when they cannot be used.
    """
    if not chain_file and not key_file:
        return None
    if not chain_file or not key_file:
        raise BadInput("--tls-chain-file and --tls-key-file belong together: give both, or none")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    for flag, name in (("--tls-chain-file", chain_file), ("--tls-key-file", key_file)):
        try:
            Path(name).open("rb").close()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise BadInput(f"{flag} {name}: {why}") from None
    try:
        context.load_cert_chain(chain_file, key_file, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadInput(f"--tls-key-file {key_file}: the key does not belong to the certificate") from None
        raise BadInput(
            f"--tls-chain-file {chain_file} and --tls-key-file {key_file} must be a certificate and its key as PEM, "
            "the key without a password"
        ) from None
    return context
