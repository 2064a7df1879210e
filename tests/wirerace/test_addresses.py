"""Addresses that cannot be connected to are refused when they are set, and not at the first connection."""

import pytest

from wirerace.addresses import host_port_in, is_host, spelled
from wirerace.errors import BadInput

HTTP = ("http", "ws")


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "localhost", "größe.example", "wirerace_polling", "fe80::1%eth0"])
def test_host_is_an_address_or_a_name(name: str) -> None:
    assert is_host(name)


@pytest.mark.parametrize("name", ["", "a..b", "a" * 64 + ".example", "\udcff", "a b", "a\0b", "a\nb"])
def test_name_that_cannot_be_looked_up_is_no_host(name: str) -> None:
    assert not is_host(name)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8001", ("127.0.0.1", 8001)),
        ("ws://polling", ("polling", None)),
        ("http://[::1]:80/", ("::1", 80)),
    ],
)
def test_url_has_a_host_and_perhaps_a_port(url: str, expected: tuple[str, int | None]) -> None:
    assert expected == host_port_in(url, HTTP, "http://HOST:1")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "nowhere",
            "ftp://a:1",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "http://a:x",
            "http://[::1",
        ),
        *("http://a..b:1", "http://\udcff:1", "http://a b:1", "http://" + "a" * 64 + ":1"),
    ],
)
def test_url_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match=r"^a host is a URL such as http://HOST:1, got '"):
        host_port_in(url, HTTP, "http://HOST:1")


@pytest.mark.parametrize("url", ["http://a:1/x", "http://a:1//", "http://a:1?x", "http://a:1#x", "http://me@a:1"])
def test_what_would_be_dropped_of_a_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match=r"^a host is a URL without .*path.*query.*user"):
        host_port_in(url, HTTP, "http://HOST:1")


@pytest.mark.parametrize("url", ["https://a:1", "wss://a"])
def test_tls_is_said_to_be_missing(url: str) -> None:
    with pytest.raises(BadInput, match=rf"^TLS .* http://, got '{url}'"):
        host_port_in(url, HTTP, "http://HOST:1")


def test_address_of_ipv6_stands_in_brackets() -> None:
    assert ("[::1]:80", "a:80") == (spelled("::1", 80), spelled("a", 80))
