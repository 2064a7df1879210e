"""The certificate of a run: clients that trust its authority connect, others do not, and nobody else reads its key."""

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from wirerace.runner.network.certificates import RunCertificate


@pytest.fixture(scope="module")
def certificate() -> Iterator[RunCertificate]:
    made = RunCertificate()
    yield made
    made.remove()


def shaken(certificate: RunCertificate, trusted: ssl.SSLContext) -> str | None:
    """Shake hands with a server that has the certificate; return the version of TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.chain, certificate.key)
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            context.wrap_socket(there, server_side=True).close()
        except (OSError, ssl.SSLError):
            there.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        with here, trusted.wrap_socket(here, server_hostname="127.0.0.1") as secure:
            return secure.version()
    finally:
        server.join()


def test_client_that_trusts_the_authority_connects(certificate: RunCertificate) -> None:
    assert shaken(certificate, ssl.create_default_context(cadata=certificate.authority)) == "TLSv1.3"


def test_client_that_does_not_trust_it_refuses(certificate: RunCertificate) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(certificate, ssl.create_default_context())


def test_key_is_for_this_user_alone_and_goes_with_the_run() -> None:
    made = RunCertificate()
    assert made.key.stat().st_mode & 0o777 == 0o600
    made.remove()
    assert not made.key.parent.exists()
