"""Servers of TLS: checked like others, and a certificate that does not fit is one line with the cure."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.checking.checked import findings_of
from tests.checking.places import ALIVE, SILENCE, Place
from wirerace.checking.address import address_in

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return str(tmp_path / "authority.pem")


def context_of(authority: trustme.CA, *names: str, valid_until: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_after=valid_until).configure_cert(context)
    return context


@pytest.fixture
def place(authority: trustme.CA) -> Iterator[Place]:
    with Place(ALIVE, context_of(authority, "127.0.0.1")) as made:
        yield made


@pytest.mark.long
def test_server_of_tls_whose_authority_is_trusted_is_checked(run: Run, place: Place, file: str) -> None:
    code, out, err = run(place.url, "--transport", "sse", "--no-feed", "--only", "head", "--authority-file", file)
    assert (1, "") == (code, err)
    assert out.endswith(f"\n1 promise of SSE at {place.url}: 0 kept, 1 not kept.\n")


@pytest.mark.long
def test_authority_that_is_not_trusted_is_named_with_its_cure(run: Run, place: Place) -> None:
    code, out, err = run(place.url, "--transport", "sse", "--no-feed")
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert f"{place.url}: the server's certificate does not fit: unable to get local issuer certificate: " in err
    assert err.endswith("name the file of its authority with --authority-file\n")


@pytest.mark.long
@pytest.mark.parametrize(
    ("names", "valid_until", "line"),
    [
        (("localhost",), None, "not valid for '127.0.0.1': write a host that it is made for\n"),
        (("127.0.0.1",), datetime.now(UTC) - timedelta(days=1), "certificate has expired: renew it\n"),
    ],
)
def test_certificate_that_does_not_fit_is_named_with_its_cure(  # noqa: PLR0917 -- fixtures and cases
    run: Run, authority: trustme.CA, file: str, names: tuple[str, ...], valid_until: datetime | None, line: str
) -> None:
    with Place(ALIVE, context_of(authority, *names, valid_until=valid_until)) as place:
        code, out, err = run(place.url, "--transport", "sse", "--no-feed", "--authority-file", file)
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert err.endswith(line)


@pytest.mark.long
def test_server_that_speaks_the_other_is_named_with_the_scheme(run: Run, place: Place) -> None:
    plain = place.url.replace("https", "http")
    code, _, err = run(plain, "--transport", "sse", "--no-feed")
    assert (2, f"wirerace: {plain} speaks TLS: write https://\n") == (code, err)
    with Place(b"") as closing:
        url = closing.url.replace("http", "https")
        code, _, err = run(url, "--transport", "sse", "--no-feed")
    assert (2, f"wirerace: {url} closes the connection in the TLS handshake: is it http://?\n") == (code, err)
    with Place(ALIVE) as other:
        url = other.url.replace("http", "wss")
        code, _, err = run(url, "--transport", "websocket", "--no-feed")
    assert (2, 1) == (code, err.count("\n"))
    assert f"{other.url.replace('http', 'https')}: the server speaks no TLS: " in err
    assert err.endswith(": is it http://?\n")


@pytest.mark.long
async def test_server_of_tls_that_never_answers_fails_each_promise(authority: trustme.CA) -> None:
    with Place(SILENCE) as place:
        findings = await findings_of(
            "sse", place.port, None, ["head"], 0.2, authority=authority.cert_pem.bytes().decode()
        )
    assert {"no answer within 0.2 s"} == {found.came for found in findings.values()}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://127.0.0.1", "https://127.0.0.1:443"),
        ("wss://[::1]:9443", "https://[::1]:9443"),
        ("ws://127.0.0.1", "http://127.0.0.1:80"),
    ],
)
def test_scheme_says_the_port_and_whether_there_is_tls(url: str, expected: str) -> None:
    assert expected == address_in(url).url


def test_authority_that_cannot_be_used_gets_one_line(run: Run, file: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "other.pem").write_bytes(b"\xff")
    lines = {
        ("https://127.0.0.1", "/no/such/file"): "--authority-file: /no/such/file: No such file or directory",
        ("https://127.0.0.1", __file__): f"--authority-file: {__file__}: it must be a certificate as PEM",
        ("https://127.0.0.1", f"{tmp_path}/empty.pem"): "it is empty, and must be a certificate as PEM",
        ("https://127.0.0.1", f"{tmp_path}/other.pem"): "it must be a certificate as PEM",
        ("http://127.0.0.1", file): "--authority-file is for a server of TLS: write https://, got 'http://127.0.0.1'",
    }
    for (url, name), line in lines.items():
        code, out, err = run(url, "--transport", "sse", "--authority-file", name)
        assert (2, "", 1) == (code, out, err.count("\n"))
        assert line in err
    code, _, err = run("--transport", "sse", "--command", "x {port} {producer}", "--authority-file", file)
    assert (2, True) == (code, "name its URL, such as https://127.0.0.1:9443" in err)
