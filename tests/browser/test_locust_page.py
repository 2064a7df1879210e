"""Locust's page in a real browser: what a user sees, picks, types and presses there has the right effect."""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.race.playing import Playground
from tests.race.running import wait_until
from wirerace.transports import TRANSPORTS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

CLASSES = {transport.user_class: transport.path for transport in TRANSPORTS.values()}
SHAPES = ("Default", "Ramp", "ReconnectStorm", "Spike", "Steady", "Steps")
SHORT = {
    "rampForSeconds": "2",
    "spikeBaseClients": "1",
    "spikeAtSeconds": "2",
    "spikeForSeconds": "2",
    "stepsStages": "2:2,5:2",
    "stormAtSeconds": "2",
}


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    playground = Playground(tmp_path_factory.mktemp("play"))
    yield playground
    playground.close()


class Locust:
    """The page, as a user sees it. Fields have the names that the page shows."""

    def __init__(self, page: "Page", playground: Playground) -> None:
        self.page = page
        self.playground = playground
        self.open()

    def open(self) -> None:
        """Load it again, with the fields of a new test."""
        self.page.goto(self.playground.urls["Locust's page"])
        new = self.page.get_by_role("button", name="New", exact=True)
        self.field("userCount").or_(new).wait_for()
        if new.is_visible():
            new.click()
            self.field("userCount").wait_for()

    def field(self, name: str) -> "Locator":
        return self.page.locator(f"[name={name}]:visible")

    def fill(self, **fields: str) -> None:
        for name, text in fields.items():
            self.field(name).fill(text)

    def unfold(self) -> None:
        """Show the custom parameters."""
        self.page.get_by_role("button", name="Custom parameters").click()
        self.field("pollingIntervalSeconds").wait_for()

    def pick(self, *classes: str) -> None:
        for name in CLASSES:
            row = self.page.get_by_role("row").filter(has=self.page.get_by_role("cell", name=name, exact=True))
            row.get_by_role("checkbox").set_checked(name in classes)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def start(self, clients: int = len(CLASSES)) -> None:
        self.fill(userCount=str(clients), spawnRate=str(clients))
        self.press("Start")

    def row(self, kind: str, name: str) -> "Locator":
        """Return a row of the table of statistics that has counted something."""
        begins = re.compile(rf"^{re.escape(kind)}\s*{re.escape(name)}\s*[1-9]")
        return self.page.get_by_role("row").filter(has_text=begins).first

    def stop(self) -> None:
        """Press Stop, and New."""
        self.press("Stop")
        self.press("New")
        self.field("userCount").wait_for()


@pytest.fixture
def locust(pages: "Page", playground: Playground) -> Iterator[Locust]:
    playground.stop()
    locust = Locust(pages, playground)
    locust.field("shapeClass").select_option("Default")  # the one of the test before is preselected
    yield locust
    playground.stop()


@pytest.mark.parametrize("name", CLASSES)
def test_class_is_picked_alone_and_brings_deliveries(locust: Locust, name: str) -> None:
    locust.pick(name)
    locust.start()
    locust.row("UPDATE", CLASSES[name]).wait_for()
    assert not [path for other, path in CLASSES.items() if other != name and locust.row("UPDATE", path).count()]
    locust.stop()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_starts_and_brings_deliveries(locust: Locust, shape: str) -> None:
    locust.field("shapeClass").select_option(shape)
    locust.unfold()
    locust.fill(**SHORT)
    locust.start()
    for path in CLASSES.values():
        locust.row("UPDATE", path).wait_for()
    locust.stop()


def test_fields_stand_in_groups_with_the_updates_first(locust: Locust) -> None:
    locust.unfold()
    names = [field.get_attribute("name") or "" for field in locust.page.locator("input[name], select[name]").all()]
    fields = names[names.index("producerRatePerSecond") :]
    assert ["producerRatePerSecond", "producerArrivals", "producerPayloadBytes", "pollingHost"] == fields[:4]
    groups = [re.split("[A-Z]", field)[0] for field in fields]
    assert sorted(groups, key=groups.index) == groups, "what belongs together stands together"
    assert "20" == locust.field("producerRatePerSecond").input_value()


def test_values_stay_when_the_page_is_loaded_again(locust: Locust) -> None:
    locust.field("shapeClass").select_option("Steps")
    locust.unfold()
    locust.fill(**SHORT, pollingIntervalSeconds="0.3")
    locust.start()
    locust.row("UPDATE", "/poll").wait_for()
    locust.stop()
    locust.open()
    locust.unfold()
    assert "0.3" == locust.field("pollingIntervalSeconds").input_value()
    assert ("Steps", str(len(CLASSES))) == (
        locust.field("shapeClass").input_value(),
        locust.field("userCount").input_value(),
    )


def test_host_that_is_typed_is_refused_with_the_reason(locust: Locust) -> None:
    locust.fill(host="http://127.0.0.1:9")
    locust.start()
    locust.page.get_by_text("each transport has a server of its own").wait_for()
    assert locust.playground.report()["state"] in {"ready", "stopped"}


def test_edit_changes_clients_and_updates_and_refuses_what_would_be_ignored(locust: Locust) -> None:
    locust.pick("PollingUser")
    locust.start(2)
    locust.row("UPDATE", "/poll").wait_for()

    locust.press("Edit")
    locust.unfold()
    locust.fill(userCount="4", producerRatePerSecond="50")
    locust.press("Update")
    locust.page.get_by_role("button", name="Update", exact=True).wait_for(state="detached")
    wait_until(lambda: locust.playground.metric("polling", "wirerace_clients") == 4)
    assert 50 == schedule_of(locust)["rate_per_second"]

    locust.press("Edit")
    locust.unfold()
    locust.fill(pollingIntervalSeconds="0.05")
    locust.press("Update")
    locust.page.get_by_role("tab", name="Logs").click()
    said = "Nothing was changed: a test is running, and a change of polling_interval_seconds holds from the next one on"
    locust.page.get_by_text(said).wait_for()
    assert "0.05" not in locust.playground.page("/").partition("polling_interval_seconds")[2][:200]


def schedule_of(locust: Locust) -> dict[str, object]:
    with urllib.request.urlopen(locust.playground.urls["producer"] + "/schedule") as answer:
        schedule: dict[str, object] = json.load(answer)
    return schedule


def test_results_are_downloaded(locust: Locust) -> None:
    locust.start()
    locust.row("UPDATE", "/ws").wait_for()
    locust.page.get_by_role("tab", name="Download data").click()
    contents = {}
    for name in ("requests", "failures", "exceptions"):
        with locust.page.expect_download() as download:
            locust.page.get_by_text(re.compile(f"Download {name} CSV", re.IGNORECASE)).click()
        contents[name] = download.value.path().read_text()
    assert re.search(r"^UPDATE,/ws,[1-9]", contents["requests"], flags=re.MULTILINE)
    assert all(contents.values())
