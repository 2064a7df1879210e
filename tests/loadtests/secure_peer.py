"""A server's side of one connection with TLS, which sends what the test wants, cut where the test wants."""

import socket as blocking
import ssl
import threading

from loadtests.connection import Address
from loadtests.opening import open_connection
from loadtests.tls import TlsConnection
from loadtests.traffic import Counters
from loadtests.trust import ClientTls
from wirerace.runner.network.certificates import RunCertificate


class SecurePeer:
    """The server's side of one connection, in this thread: it encrypts, and the test sends what it wants of that."""

    def __init__(self, certificate: RunCertificate, *alpn: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        context.set_alpn_protocols(alpn)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._listener = blocking.create_server(("127.0.0.1", 0))
        self.address = Address("127.0.0.1", self._listener.getsockname()[1], ClientTls(certificate.authority))
        self._shaking = threading.Thread(target=self._shake)
        self._shaking.start()

    def connect(self, counters: Counters | None = None, alpn: tuple[str, ...] = ()) -> TlsConnection:
        client = open_connection(self.address, counters, alpn)
        self._shaking.join()
        assert isinstance(client, TlsConnection)
        return client

    def _shake(self) -> None:
        self.stream, _ = self._listener.accept()
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.send(self.encrypted())
                self._incoming.write(self.stream.recv(65_536))
            else:
                return

    def encrypted(self, *texts: bytes) -> bytes:
        """Return what is to be sent, with some texts, each a record of its own."""
        for text in texts:
            self.tls.write(text)
        return self._outgoing.read()

    def send(self, encrypted: bytes) -> None:
        self.stream.sendall(encrypted)

    def received(self) -> bytes:
        """Return what the client has sent since the last time, when there is some."""
        while True:
            try:
                return self.tls.read(65_536)
            except ssl.SSLWantReadError:
                self._incoming.write(self.stream.recv(65_536))

    def close(self) -> None:
        self.stream.close()
        self._listener.close()
