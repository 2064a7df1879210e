"""HTTP/2 over TLS: agreed on by ALPN, the same clients."""

import gc
from collections.abc import Iterator

import pytest

from loadtests.http2_client import Http2Client, Http2StreamingClient
from loadtests.http2_pool import Seat
from loadtests.stream import LineMessages
from tests.loadtests.http2_server import StartHttp2, echo, pool_of, streams, wait_for
from wirerace.errors import BadAnswer
from wirerace.runner.network.certificates import RunCertificate

pytestmark = pytest.mark.usefixtures("in_time")


@pytest.fixture(scope="module")
def certificate() -> Iterator[RunCertificate]:
    made = RunCertificate()
    yield made
    made.remove()
    gc.collect()


@pytest.mark.long
def test_clients_share_a_connection_with_tls(http2: StartHttp2, certificate: RunCertificate) -> None:
    server = http2(echo, certificate=certificate)
    pool = pool_of(server)
    first, second = Http2Client(Seat(pool)), Http2Client(Seat(pool))
    big = b"x" * 500_000

    assert first.get("/poll").body == b"/poll"
    assert second.post("/send", big).body == b"/send" + big
    assert (len(server.peers), first.connects, second.connects) == (1, 1, 0)
    assert first.secured_ns >= first.opened_ns > 0
    assert second.secured_ns == 0
    assert {"https"} == {exchange.headers[":scheme"] for exchange in server.requests}


@pytest.mark.long
def test_streams_come_over_tls_however_records_are_cut(http2: StartHttp2, certificate: RunCertificate) -> None:
    server = http2(streams, certificate=certificate)
    pool = pool_of(server)
    clients = [Http2StreamingClient(Seat(pool), "/stream", LineMessages()) for _ in range(3)]
    lines = [b"%d" % number * 30_000 for number in range(40)]
    for line in lines:
        for exchange in server.requests:
            exchange.data(line + b"\n")
    for client in clients:
        got: list[bytes] = []
        while len(got) < len(lines):
            got += client.receive()
        assert lines == got
    client.close()
    wait_for(server.requests[-1].is_reset.is_set)


@pytest.mark.long
@pytest.mark.parametrize(("alpn", "named"), [(("http/1.1",), "'no protocol'"), ((), "'no protocol'")])
def test_server_that_agrees_on_no_http2_is_named(
    http2: StartHttp2, certificate: RunCertificate, alpn: tuple[str, ...], named: str
) -> None:
    server = http2(echo, certificate=certificate, alpn=alpn)
    with pytest.raises(BadAnswer, match=rf"^the server speaks no HTTP/2: TLS agreed on {named} \(ALPN\), not on 'h2'$"):
        Http2Client(Seat(pool_of(server))).get("/poll")
