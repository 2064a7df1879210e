"""The page as one file: small, complete, and without a way to anywhere else."""

import base64
import hashlib
import re

import msgspec
import pytest

from wirerace.transports import TRANSPORTS
from wirerace.watch.page import CONFIG, FOLDER, SCRIPT, STYLE, page_of, script_of

MOST_BYTES = 100_000
EVERYWHERE = [path for path in FOLDER.rglob("*") if path.is_file()]


def test_page_is_smaller_than_a_hundred_kilobytes() -> None:
    assert len(page_of({}, []).html) < MOST_BYTES


def test_page_names_no_other_host_and_loads_nothing() -> None:
    html = page_of({}, []).html.decode()

    assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"""https?://[^"'\s<)]+""", html)), "a name, not an address"
    assert [] == re.findall(r"""(?:src|href)=["']?(?!data:,)[^"'\s>]+|\bimport\b""", html)
    assert "url(" not in (FOLDER / "style.css").read_text("utf-8")


def test_every_file_of_the_page_is_in_it() -> None:
    html = page_of({}, []).html.decode()

    assert [] == [path.name for path in EVERYWHERE if path.suffix in {".js", ".css"} and path.read_text() not in html]
    assert [] == [place for place in (STYLE, CONFIG, SCRIPT) if place in html]


@pytest.mark.parametrize("name", TRANSPORTS)
def test_page_receives_by_every_transport(name: str) -> None:
    assert f"receivers.{name} = {{" in (FOLDER / "transports" / f"{name}.js").read_text("utf-8")


def test_browser_runs_what_is_in_the_page_and_nothing_else() -> None:
    page = page_of({}, ["127.0.0.1:9"])
    html = page.html.decode()
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        content = re.findall(rf"<{element}(?: type=\"module\")?>(.*?)</{element}>", html, re.DOTALL)[-1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in page.policy
    assert "connect-src 'self' http://127.0.0.1:9 ws://127.0.0.1:9;" in page.policy


def test_nothing_in_the_configuration_ends_its_element() -> None:
    hostile = {"title": "</script><script>alert(1)</script><!--"}
    html = page_of(hostile, []).html.decode()
    (config,) = re.findall(r'id="config">(.*?)</script>', html)

    assert hostile == msgspec.json.decode(config)
    assert "<" not in config


def test_files_of_the_page_are_short() -> None:
    assert [] == [path.name for path in EVERYWHERE if len(path.read_text("utf-8").splitlines()) >= 300]


def test_scripts_have_no_two_names_for_two_things() -> None:
    """All of them are one script, so a name that is declared twice would end it."""
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", script_of(), re.MULTILINE)

    assert len(names) == len(set(names))
