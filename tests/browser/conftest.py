"""A real browser, driven by playwright, with a picture of the page where a test fails."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.live import Open
from tests.browser.scripts import Scripts
from tests.race.playing import LivePage

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_MS = 60_000
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def pages() -> Iterator["Page"]:
    """Yield a page of a browser that is really there."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: make test-browser does it"
    )
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if chromium is None:
        pytest.skip("there is no Chromium: install it, for example with apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])  # root has no sandbox
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def scripts(pages: "Page") -> Scripts:
    return Scripts(pages)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePage]:
    live = LivePage(tmp_path_factory.mktemp("watch"))
    yield live
    live.close()


@pytest.fixture
def opened(pages: "Page", live: LivePage) -> Iterator[Open]:
    live.send("PUT", "/schedule", {"rate_per_second": 20, "arrivals": "poisson"})
    browser = pages.context.browser
    assert browser is not None
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    yield Open(page, live)
    page.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Take a picture when a test has failed."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.when == "call" and report.failed and "pages" in getattr(item, "funcargs", {}):
        path = Path(item.config.rootpath) / "results" / f"failed-{item.name.partition('[')[0]}.png"
        path.parent.mkdir(exist_ok=True)
        item.funcargs["pages"].screenshot(path=path, full_page=True)  # type: ignore[attr-defined]
        report.sections.append(("picture", str(path)))
    return report  # type: ignore[return-value]
