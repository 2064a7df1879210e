"""Somebody else's server of TLS: its certificate fits, or the trial says in one line what to change."""

import ssl
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from tests.wirerace.runner.standing import Begin, Stand, knows_nothing
from wirerace.errors import TrialFailed
from wirerace.experiment.servers import ForeignServer
from wirerace.runner.foreign.probing import Probe
from wirerace.runner.foreign.starting import ForeignPeer
from wirerace.transports import TRANSPORTS
from wirerace.wire.update import Update, encode_update

pytestmark = pytest.mark.long

UPDATE = encode_update(Update("e", 7, 1, "x"))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return str(tmp_path / "authority.pem")


def context_of(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def is_well(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="ok")


async def answers_an_update(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=UPDATE)


async def speaks_websocket(request: web.BaseRequest) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(UPDATE.decode())
    return socket


def peer_of(stand: Stand, file: str, dialect: str = "contract") -> ForeignPeer:
    place = ForeignServer(url=stand.url, dialect=dialect, authority_file=file)  # type: ignore[arg-type]
    return ForeignPeer("theirs", place)


def test_health_is_asked_over_tls(begin: Begin, authority: trustme.CA, file: str) -> None:
    tls = context_of(authority)
    assert peer_of(begin(is_well, tls), file).is_up()
    assert not peer_of(begin(knows_nothing, tls), file).is_up()
    assert peer_of(begin(knows_nothing, tls), file, "bare").is_up()


def test_clients_get_the_url_and_the_authority(begin: Begin, authority: trustme.CA, file: str) -> None:
    stand = begin(is_well, context_of(authority))
    peer = peer_of(stand, file)

    assert (stand.url.removesuffix("/updates"), Path(file).read_text()) == (peer.client_url, peer.authority)
    assert peer.client_address == peer.place.address


def test_certificate_that_does_not_fit_fails_the_trial_with_the_cure(
    begin: Begin, authority: trustme.CA, file: str
) -> None:
    untrusted, other = begin(is_well, context_of(authority)), begin(is_well, context_of(authority, "localhost"))
    plain = begin(is_well)
    plain.url = plain.url.replace("http", "https")
    lines = {
        untrusted: "unable to get local issuer certificate: name the file of its authority with authority_file in its",
        other: "certificate is not valid for '127.0.0.1': write a host that it is made for",
        plain: "the server speaks no TLS: ",
    }
    for stand, line in lines.items():
        with pytest.raises(TrialFailed) as failed:
            peer_of(stand, "" if stand is untrusted else file, "bare").is_up()
        assert str(failed.value).startswith(f"theirs: {stand.url}: the server")
        assert line in str(failed.value)


def test_authority_that_cannot_be_read_fails_the_trial() -> None:
    with pytest.raises(TrialFailed, match=r"^theirs: authority_file: /no/such: No such file or directory$"):
        ForeignPeer("theirs", ForeignServer(url="https://127.0.0.1:1/", authority_file="/no/such"))


def test_server_that_is_not_there_yet_is_not_up(file: str) -> None:
    assert not ForeignPeer("theirs", ForeignServer(url="https://127.0.0.1:1/", authority_file=file)).is_up()


@pytest.mark.parametrize(("transport", "handle"), [("polling", answers_an_update), ("websocket", speaks_websocket)])
def test_probe_speaks_tls(begin: Begin, authority: trustme.CA, file: str, transport: str, handle: object) -> None:
    stand = begin(handle, context_of(authority))  # type: ignore[arg-type]
    server = ForeignServer(url=stand.url, dialect="bare", authority_file=file)

    Probe("theirs", server, TRANSPORTS[transport], Path(file).read_text()).run(stand.prime, str)
