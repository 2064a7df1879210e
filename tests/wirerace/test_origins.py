import pytest

from wirerace.errors import BadInput
from wirerace.origins import Foreign, check_host, check_origin, parse_origins


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", set()),
        ("http://a.example", {"http://a.example"}),
        (" HTTPS://A.example:8443 ,null,", {"https://a.example:8443", "null"}),
        ("*", {"*"}),
    ],
)
def test_origins_are_a_list(text: str, origins: set[str]) -> None:
    assert origins == parse_origins(text)


@pytest.mark.parametrize("text", ["a.example", "http://", "http://a/b", "ftp://a", "http://a http://b", "http://["])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="an origin is http://HOST:PORT"):
        parse_origins(text)


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"Host": "a:1"}, True),
        ({"Host": "a:1", "Origin": "http://a:1"}, True),
        ({"Host": "A:1", "Origin": "https://a:1"}, True),
        ({"Host": "a:1", "Origin": "http://a:2"}, False),
        ({"Host": "a:1", "Origin": "http://a"}, False),
        ({"Host": "a:1", "Origin": "null"}, False),
        ({"Host": "a:1", "Origin": "http://["}, False),
        ({"Origin": ""}, False),
        ({"Host": "", "Origin": "null"}, False),
        ({"Host": "a:1", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Host": "a:1", "Sec-Fetch-Site": "none"}, True),
        ({"Host": "a:1", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Host": "a:1", "Sec-Fetch-Site": "same-site"}, False),
        ({"Host": "a:1", "Origin": "http://ok.example", "Sec-Fetch-Site": "cross-site"}, True),
    ],
)
def test_only_pages_of_the_same_or_an_allowed_origin_may(headers: dict[str, str], *, may: bool) -> None:
    allowed = parse_origins("http://ok.example")
    if may:
        check_origin(headers.get, allowed)
    else:
        with pytest.raises(Foreign):
            check_origin(headers.get, allowed)
    check_origin(headers.get, parse_origins("*"))


@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("127.0.0.1:8089", True), ("[::1]:8089", True), ("localhost:8089", True), ("locust", True), ("", True),
        ("a.localhost", True), ("box.local:1", True), ("host.docker.internal", True), ("ok.example:99", True),
        ("evil.example", False), ("evil.example.", False), ("127.0.0.1.evil.example", False), ("nolocal.net", False),
    ],
)  # fmt: skip
def test_host_is_no_name_that_any_site_may_have(host: str, *, may: bool) -> None:
    allowed = parse_origins("http://ok.example")
    if may:
        check_host(host, allowed)
    else:
        with pytest.raises(Foreign, match="--allowed-origins"):
            check_host(host, allowed)
    check_host(host, parse_origins("*"))
