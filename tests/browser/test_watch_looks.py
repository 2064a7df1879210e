"""How the live page looks in a real browser: it fits, keeps still on request, and can be kept as a file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.live import Open
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.browser

WIDTHS = {"desk": 1300, "phone": 390}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_fits_and_marks_have_their_transports_colour(opened: Open, width: str, scheme: Any) -> None:
    page = opened.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": WIDTHS[width], "height": 1000})
    opened.until_more(than=5)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (scheme == "dark") == (sum(map(int, re.findall(r"\d+", back))) < 200)
    for name, transport in TRANSPORTS.items():
        fill = page.evaluate(f"getComputedStyle(document.querySelector('#{name} .marks')).fill")
        assert transport.color == "#{:02X}{:02X}{:02X}".format(*map(int, re.findall(r"\d+", fill)))


def test_nothing_travels_for_people_who_want_less_motion(opened: Open) -> None:
    opened.page.emulate_media(reduced_motion="reduce")
    opened.until_more()

    assert "" == (opened.lane("sse").locator(".marks:not(.waiting)").get_attribute("d") or "")


def test_frozen_page_opens_without_a_network_and_has_the_figures(opened: Open, tmp_path: Path) -> None:
    opened.until_more(than=40)
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name="Save this page as a file").click()
    file = tmp_path / "frozen.html"
    download.value.save_as(file)
    browser = opened.page.context.browser
    assert browser is not None
    frozen, asked, said = browser.new_page(), list[str](), list[str]()
    frozen.on("request", lambda request: asked.append(request.url))
    frozen.on("console", lambda message: said.append(message.text))
    frozen.goto(file.as_uri())
    figures = json.loads(frozen.locator("#figures").text_content() or "")
    marks = frozen.locator("#websocket .age").get_attribute("d")
    sentence = frozen.locator("#sentence").inner_text()
    frozen.close()

    assert ([file.as_uri()], []) == (asked, said)
    assert list(TRANSPORTS) == sorted((one["name"] for one in figures["lanes"]), key=list(TRANSPORTS).index)
    assert all(one["latenciesMs"] and not one["missing"] for one in figures["lanes"])
    assert " a push by " in sentence or "light is red" in sentence
    assert marks
    html = file.read_text("utf-8")
    assert "Frozen at" in html
    assert "token" not in html
    assert '<script type="module"' not in html
