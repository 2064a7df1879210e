"""The certificate of a run: clients that trust its authority connect, others do not, and nobody else reads its key."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from wirerace.experiment.plans import plans_of
from wirerace.experiment.reading import study_of
from wirerace.runner.network.certificates import RunCertificate, certificate_for
from wirerace.runner.peer import Peer
from wirerace.runner.targets.locust import order_flags


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


@pytest.mark.long
def test_client_that_does_not_trust_it_refuses(certificate: RunCertificate) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(certificate, ssl.create_default_context())


def test_key_is_for_this_user_alone_and_goes_with_the_run() -> None:
    made = RunCertificate()
    assert made.key.stat().st_mode & 0o777 == 0o600
    made.remove()
    assert not made.key.parent.exists()


def test_run_has_a_certificate_if_a_path_of_it_speaks_tls() -> None:
    keys = {"title": "t", "transports": ["polling"], "paths": {"far": {"tls": True}}}
    assert certificate_for(study_of(keys, Path())) is None
    made = certificate_for(study_of(keys | {"path": "far"}, Path()))

    assert made is not None
    made.remove()


def test_load_is_told_the_authority_and_whether_to_resume(certificate: RunCertificate) -> None:
    keys = {
        "title": "t",
        "transports": ["polling"],
        "path": "far",
        "paths": {"far": {"tls": True, "resumption": False}},
    }
    (plan,) = plans_of(study_of(keys, Path()).settings[0], repeat=1)
    server = Peer("polling", 8001)
    server.secure_port = 8443
    order = msgspec.json.decode(str(order_flags(plan, server.client_url, certificate.authority)["contestant"]))

    assert ("https://127.0.0.1:8443", certificate.authority, False) == (
        order["url"],
        order["authority"],
        order["resumes"],
    )
    assert ("http://127.0.0.1:8001", 8443) == (server.url, server.client_port)
