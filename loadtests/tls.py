"""A client's connection with TLS: the same as without it, over bytes that are encrypted."""

import contextlib
import ssl
from typing import Any

from gevent import Timeout

from loadtests.connection import Address, BytesTaker, StampedConnection, never
from loadtests.endpoints import CONNECT_SECONDS
from loadtests.traffic import Counters
from loadtests.trust import ClientTls
from wirerace.clock import Clock
from wirerace.errors import ConnectionLost
from wirerace.tls import reason_of, refusal_of

RECORD_BYTES = 16_384
"""The most of a record (RFC 8446, section 5.1): one read returns a whole one, so none is left behind."""
# One buffer for all connections: nothing else runs between a read into it and the copy out of it.
_BUFFER = bytearray(RECORD_BYTES)
_VIEW = memoryview(_BUFFER)


class TlsFailed(ConnectionLost):
    """TLS could not be agreed on with the server, or it broke."""


class TlsConnection(StampedConnection):
    """A connection that has shaken hands when it is made; `alpn` is the protocol that both sides agreed on.

    `stamp` is that of the read that brought the end of the last record. `is_cut` tells whether that read ended inside
    another record, to which its stamp belongs then.

    Every method raises TlsFailed, too: the certificate does not fit, or the server says no, or speaks no TLS.
    """

    __slots__ = ("_data", "_has_ended", "_incoming", "_outgoing", "_taker", "_tls", "_trust", "alpn", "is_cut",
                 "secured_ns")  # fmt: skip

    def __init__(
        self,
        address: Address,
        trust: ClientTls,
        counters: Counters | None = None,
        alpn: tuple[str, ...] = (),
        clock: Clock | None = None,
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._trust = trust
        self._tls = trust.connection(self._incoming, self._outgoing, address.host, alpn)
        self._data = b""
        self._taker: BytesTaker = never
        self._has_ended = False
        self.is_cut = False
        self.secured_ns = 0
        super().__init__(address, counters, clock)
        try:
            with Timeout(CONNECT_SECONDS, TlsFailed(f"no end of the TLS handshake after {CONNECT_SECONDS:g} s")):
                self._shake_hands()
        except BaseException:
            self.close()
            raise
        self.secured_ns = self._clock()
        self.alpn = self._tls.selected_alpn_protocol()
        if counters is not None:
            counters.secured(self.secured_ns - self.opened_ns, is_resumed=bool(self._tls.session_reused))

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        super().send(self.sealed(data))

    def sealed(self, data: bytes) -> bytes:
        """Return bytes as they travel: encrypted."""
        write = self._tls.write
        sent = write(data)
        while sent < len(data):
            sent += write(data[sent:])
        return self._outgoing.read()

    def receive(self, take: BytesTaker = never) -> bytes:
        """Wait for bytes and return them, as [`StampedConnection.receive`] does.

        A read that ends inside a record is never offered to `take`, which knows nothing of `is_cut`.
        """
        if self._incoming.pending:  # it came together with the end of the handshake
            data = self._decrypted()
            if data and (self.is_cut or not take(data)):
                return data
        if self._has_ended:
            raise ConnectionLost("the server closed the connection")
        self._taker = take
        try:
            super().receive(self._take_encrypted)
        finally:
            self._taker = never  # no circle of objects
        data, self._data = self._data, b""
        return data

    def _take_encrypted(self, encrypted: bytes) -> bool:
        """Decrypt what one read brought, in the hub. Part of a record, or what is TLS's own, wakes nobody."""
        self._incoming.write(encrypted)
        data = self._decrypted()
        if not data:
            if self._has_ended:
                raise ConnectionLost("the server closed the connection")
            return True
        if not self.is_cut and self._taker(data):
            return True
        self._data = data
        return False

    def _decrypted(self) -> bytes:
        """Return what is in the records that have become whole; note an end, and whether part of a record is left."""
        read, incoming = self._tls.read, self._incoming
        self.is_cut = False
        data = b""
        try:
            while True:
                size: Any = read(RECORD_BYTES, _BUFFER)
                if not size:
                    self._has_ended = True
                    break
                data += _VIEW[:size]
                if not incoming.pending:
                    break
        except ssl.SSLWantReadError:
            self.is_cut = bool(data)
        except ssl.SSLError as error:
            raise TlsFailed(f"TLS broke: {reason_of(error)}") from None
        return data

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError as error:
                with contextlib.suppress(OSError):
                    self._flush()  # the server learns why
                raise TlsFailed(refusal_of(error)) from None
            else:
                self._flush()
                return
            try:
                self._incoming.write(super().receive())
            except TlsFailed:  # it took too long
                raise
            except ConnectionLost:
                raise TlsFailed("the server closed the connection in the TLS handshake") from None

    def _flush(self) -> None:
        if self._outgoing.pending:
            super().send(self._outgoing.read())

    def close(self) -> None:
        """Say goodbye if that needs no waiting, and close at once. The session is kept for the next connection."""
        with contextlib.suppress(OSError):  # an SSLError is one, and most often that the server's goodbye is missing
            if self.secured_ns:
                self._trust.keep(self._tls)
                self._tls.unwrap()
        with contextlib.suppress(OSError):
            if not self._writers and self._outgoing.pending:
                self._send(self._outgoing.read())
        super().close()
