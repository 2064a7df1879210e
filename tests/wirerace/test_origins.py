import pytest

from wirerace.errors import BadInput
from wirerace.origins import Foreign, check_page, parse_origins


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", set()),
        ("http://a.example", {"http://a.example"}),
        (" HTTPS://A.example:8443 ,null,", {"https://a.example:8443", "null"}),
        ("http://a.example:80,https://b.example:443,http://[::1]:1", {"http://a.example", "https://b.example", "http://[::1]:1"}),
        ("*", {"*"}),
    ],
)  # fmt: skip
def test_origins_are_a_list_as_browsers_spell_them(text: str, origins: set[str]) -> None:
    assert origins == parse_origins(text)


@pytest.mark.parametrize(
    "text",
    [
        "a.example", "http://", "http://a/b", "ftp://a", "http://a http://b", "http://[", "http://*.example.org",
        "http://user@a.example", "http://:80", "http://a.example:port", "http://a.example:99999", "http://ä.example",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="an origin is http://HOST:PORT"):
        parse_origins(text)


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"Host": "a:1"}, True),
        ({"Host": "bench.example:1"}, True),
        ({}, True),
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
def test_programs_and_pages_of_the_same_or_an_allowed_origin_may(headers: dict[str, str], *, may: bool) -> None:
    assert may == is_let(headers)


@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("127.0.0.1:8089", True), ("[::1]:8089", True), ("localhost:8089", True), ("locust", True),
        ("a.localhost", True), ("box.local:1", True), ("host.docker.internal", True), ("ok.example:99", True),
        ("evil.example", False), ("evil.example.", False), ("127.0.0.1.evil.example", False), ("nolocal.net", False),
        ("ai.", False), ("[evil.example", False), ("evil.example:port", False), ("", False),
    ],
)  # fmt: skip
def test_page_is_at_no_name_that_any_site_may_have(host: str, *, may: bool) -> None:
    assert may == is_let({"Host": host, "Origin": f"http://{host}"})
    assert may == is_let({"Host": host, "Sec-Fetch-Site": "same-origin"})


def is_let(headers: dict[str, str]) -> bool:
    check_page(headers.get, parse_origins("*"))
    try:
        check_page(headers.get, parse_origins("http://ok.example"))
    except Foreign:
        return False
    return True
