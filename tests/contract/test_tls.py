"""TLS: the plain port stays beside it, either end may say goodbye first, what does not fit is refused in one line."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from services.tls import context_in, server_context
from tests.contract.clients import HTTP_TRANSPORTS, STREAM_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.raw import WAIT_SECONDS, Raw, get
from tests.contract.secured import OVER_TLS
from tests.contract.stage import Running, Secured, Stage, until
from wirerace.certificates import CHAIN, KEY
from wirerace.errors import BadInput
from wirerace.runner.network.certificates import RunCertificate
from wirerace.transports import TRANSPORTS

WAYS = ("fast-tls", "plain-tls")
READ_BYTES = 65_536


class Blocking:
    """A client whose TLS is in its own hands: it may say goodbye and still read. Its waits block, in a thread."""

    def __init__(self, port: int, trusting: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusting.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")
        self.stream = socket.create_connection(("127.0.0.1", port), WAIT_SECONDS)
        self._until(self.tls.do_handshake)

    def _until(self, act: Callable[[], object]) -> object:
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                self.flush()
                self._incoming.write(data) if (data := self.stream.recv(READ_BYTES)) else self._incoming.write_eof()
            else:
                self.flush()
                return done

    def flush(self) -> None:
        if self._outgoing.pending:
            self.stream.sendall(self._outgoing.read())

    def send(self, data: bytes, *, and_goodbye: bool = False) -> None:
        self.tls.write(data)
        if and_goodbye:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.unwrap()
        self.flush()

    def rest(self) -> bytes:
        """Return everything up to the server's goodbye. An end without one is an error."""
        parts: list[bytes] = []
        while True:
            try:
                part = self._until(lambda: self.tls.read(READ_BYTES))
            except ssl.SSLZeroReturnError:
                part = b""
            if not part:
                return b"".join(parts)
            assert isinstance(part, bytes)
            parts.append(part)


async def blocking(server: Running, certificate: Secured) -> Blocking:
    return await asyncio.to_thread(Blocking, server.client_port, certificate.trusting)


def test_promises_that_are_checked_over_tls_exist() -> None:
    for name in OVER_TLS:
        module, _, test = name.partition(".")
        assert hasattr(import_module(f"tests.contract.{module}"), test), name


async def test_plain_port_stays_beside_that_of_tls(stage: Stage) -> None:
    server = await stage.serve()
    assert server.port != server.client_port
    secure, plain = await stage.connect(), await Raw.open(server.port)
    for raw in (secure, plain):
        assert 200 == (await raw.ask(get("/health"))).status
    plain.close()


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_client_that_says_goodbye_behind_its_request_gets_its_answer(stage: Stage, certificate: Secured) -> None:
    server = await stage.serve()
    await stage.make_and_see(1)
    client = await blocking(server, certificate)
    client.send(stage.request(f"after={stage.at(0)}&hold=0"), and_goodbye=True)
    answer = await asyncio.to_thread(client.rest)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"seq":1' in answer
    client.stream.close()
    await server.until_metric("clients", 0)


@pytest.mark.parametrize("transport", ["longpolling", *STREAM_TRANSPORTS, *WEBSOCKET_TRANSPORTS])
async def test_client_that_says_goodbye_while_it_waits_has_left(stage: Stage, certificate: Secured) -> None:
    server = await stage.serve()
    client = await blocking(server, certificate)
    client.send(stage.request())
    await server.until_metric("clients", 1)
    client.send(b"", and_goodbye=True)
    await asyncio.to_thread(client.rest)

    await server.until_metric("clients", 0)
    client.stream.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_client_that_breaks_off_is_forgotten(stage: Stage, certificate: Secured) -> None:
    server = await stage.serve()
    client = await blocking(server, certificate)
    client.send(stage.request("hold=60"))
    await server.until_metric("clients", 1)
    client.stream.close()
    await server.until_metric("clients", 0)


@pytest.mark.long
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_slow_reader_that_reads_on_gets_1008_and_a_goodbye(stage: Stage, certificate: Secured) -> None:
    server = await stage.serve(high_water_bytes=READ_BYTES)
    client = await blocking(server, certificate)
    client.send(stage.request())
    while 0 == await server.metric("slow_readers_total"):
        await stage.make_and_see(2, READ_BYTES)

    assert b"\x03\xf0you read too slowly; resume from your cursor" in (await asyncio.to_thread(client.rest))[-200:]
    client.stream.close()


@pytest.mark.long
@pytest.mark.parametrize("transport", ["polling"])
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02"], ids=["nothing", "part of a hello"])
async def test_handshake_without_an_end_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr("services.connection.REQUEST_SECONDS", 0.2)
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.05)
    server = await stage.serve()
    raw = await Raw.open(server.client_port)
    await raw.send(said)
    assert b"" == await raw.rest()
    raw.close()
    assert 1 == await server.metric("request_timeouts_total")


@pytest.mark.parametrize("transport", ["polling"])
async def test_handshake_under_way_does_not_hold_up_a_stop(stage: Stage) -> None:
    server = await stage.serve()
    raw = await Raw.open(server.client_port)

    async def shaking() -> bool:
        assert server.service.door is not None
        return len(server.service.door.shaking) == 1

    await until(shaking, "the handshake has begun")
    await server.stop()
    assert b"" == await raw.rest()
    raw.close()


@pytest.mark.long
@pytest.mark.parametrize("transport", ["polling"])
async def test_client_without_tls_and_one_without_trust_harm_nobody(stage: Stage) -> None:
    server = await stage.serve()
    raw = await Raw.open(server.client_port)
    await raw.send(get("/health"))
    assert b"HTTP" not in await raw.rest()
    raw.close()
    with pytest.raises(ssl.SSLCertVerificationError):
        await Raw.open(server.client_port, tls=ssl.create_default_context())
    assert 200 == (await (await stage.connect()).ask(get("/health"))).status


@pytest.mark.parametrize("transport", ["polling"])
async def test_damaged_record_ends_its_connection_only(stage: Stage, certificate: Secured) -> None:
    server = await stage.serve()
    other = await stage.subscribe()
    client = await blocking(server, certificate)
    client.send(stage.request("hold=0"))
    await server.until_metric("clients", 2)
    client.stream.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    await server.until_metric("clients", 1)
    await stage.make(1)
    assert [1] == [update.seq for update in await other.receive(1)]
    client.stream.close()


def test_files_that_do_not_fit_are_refused_in_one_line(tmp_path: Path) -> None:
    one, other = RunCertificate(), RunCertificate()
    chain, key, nonsense = str(one.chain), str(one.key), str(tmp_path / "nonsense.pem")
    Path(nonsense).write_text("nonsense\n")
    refusals = {
        (chain, ""): "^--tls-chain-file and --tls-key-file belong together",
        ("", key): "^--tls-chain-file and --tls-key-file belong together",
        (chain, "/no/such/file"): "^--tls-key-file /no/such/file: No such file",
        (str(tmp_path), key): "^--tls-chain-file .*: Is a directory",
        (nonsense, key): "must be a certificate and its key as PEM",
        (chain, nonsense): "must be a certificate and its key as PEM",
        (chain, str(other.key)): "the key does not belong to the certificate",
    }
    for files, why in refusals.items():
        with pytest.raises(BadInput, match=why):
            server_context(*files)
    assert server_context("", "") is None
    for made in (one, other):
        made.remove()


def test_directory_gives_a_certificate_if_it_has_both_files(certificate: Secured, tmp_path: Path) -> None:
    named = (certificate.chain_file, certificate.key_file)
    for name, file in zip((CHAIN, KEY), named, strict=True):
        assert context_in(str(tmp_path), "", "") is None
        (tmp_path / name).write_bytes(Path(file).read_bytes())
    assert context_in(str(tmp_path), "", "") is not None
    with pytest.raises(BadInput, match=r"^--tls-directory has the names of both files"):
        context_in(str(tmp_path), *named)


async def test_port_of_tls_that_is_taken_is_named(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=rf"^cannot listen on 127\.0\.0\.1:{port}: .* --tls-port"):
            await stage.serve_soon(tls_port=port)
    with pytest.raises(BadInput, match=r"^--tls-port needs a certificate"):
        await stage.serve_soon(tls_port=port, tls_chain_file="", tls_key_file="")
