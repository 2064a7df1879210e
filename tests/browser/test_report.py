"""The report in a real browser: both themes, print and a phone, without an error, a request or a page too wide."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.wirerace.report.reports import PLACES, page_of
from wirerace.report.html.saving import reported, save_chart

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

WIDTHS = {"desk": 1200, "phone": 375}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CLIPPED = """() => [...document.querySelectorAll('svg')].filter(svg => svg.clientWidth).flatMap(svg => {
  const whole = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < whole.left - 3 || box.right > whole.right + 3 || box.bottom > whole.bottom + 3;
  }).map(text => text.textContent);
})"""
OVERLAPS = """() => [...document.querySelectorAll('svg')].filter(svg => svg.clientWidth).flatMap(svg => {
  const texts = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
  const deep = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5;
  return texts.flatMap(([said, box], index) => texts.slice(index + 1)
    .filter(([, other]) => deep(box, other)).map(([other]) => said + ' | ' + other));
})"""


class Opened:
    """A report, opened from a file without a network."""

    def __init__(self, page: "Page", path: Path) -> None:
        self.page = page
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(path.as_uri())

    def value(self, script: str) -> Any:
        return self.page.evaluate(script)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("reports")
    names = {name: (name,) for name in PLACES} | {"several": tuple(PLACES)}
    for name, places in names.items():
        (directory / f"{name}.html").write_text(page_of(*places), "utf-8")
    return {name: directory / f"{name}.html" for name in names}


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=WIDTHS)
def fresh(pages: "Page", theme: str, request: pytest.FixtureRequest) -> Iterator["Page"]:
    browser = pages.context.browser
    assert browser is not None
    scheme: Any = theme
    page = browser.new_page(viewport={"width": WIDTHS[request.param], "height": 900}, color_scheme=scheme)
    yield page
    page.close()


@pytest.mark.parametrize("name", [*PLACES, "several"])
def test_report_opens_in_both_themes_on_a_desk_and_a_phone(fresh: "Page", files: dict[str, Path], name: str) -> None:
    opened = Opened(fresh, files[name])
    for summary in fresh.locator("summary").all():
        if summary.is_visible():
            summary.click()

    assert [] == opened.errors
    assert [files[name].as_uri()] == opened.asked
    assert 0 >= opened.value(TOO_WIDE)
    assert [] == opened.value(CLIPPED)
    assert [] == opened.value(OVERLAPS)


def test_switch_changes_the_theme_and_changes_it_back(pages: "Page", files: dict[str, Path]) -> None:
    opened = Opened(pages, files["stay"])
    back = "getComputedStyle(document.body).backgroundColor"
    found = []
    for name in ("dark", "light", "dark", "auto"):
        opened.page.get_by_role("button", name=name).click()
        found.append(opened.value(back))

    assert found[0] == found[2] != found[1]
    assert "true" == opened.page.get_by_role("button", name="auto").get_attribute("aria-pressed")
    assert [] == opened.errors


def test_print_is_light_shows_all_details_and_fits_the_paper(pages: "Page", files: dict[str, Path]) -> None:
    browser = pages.context.browser
    assert browser is not None
    page = browser.new_page(viewport={"width": 718, "height": 1000}, color_scheme="dark")  # A4 without its margins
    opened = Opened(page, files["stay"])
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert "rgb(255, 255, 255)" == opened.value("getComputedStyle(document.body).backgroundColor")
    assert 0 == page.locator("details:not([open])").count()
    assert 0 >= opened.value(TOO_WIDE)
    assert [] == opened.errors
    page.close()


@pytest.mark.parametrize("name", ["latency", "frontier", "bytes", "age-over-time"])
def test_picture_of_a_chart_has_the_theme_of_its_reader(fresh: "Page", theme: str, tmp_path: Path, name: str) -> None:
    picture = tmp_path / f"{name}.svg"
    save_chart(reported(PLACES["stay"]), name, picture)
    opened = Opened(fresh, picture)

    ground = opened.value("getComputedStyle(document.querySelector('.ground')).fill")
    assert ("rgb(255, 255, 255)" == ground) == (theme == "light")
    assert [picture.as_uri()] == opened.asked
    assert [] == opened.errors
    assert [] == opened.value(CLIPPED)
    assert [] == opened.value(OVERLAPS)
