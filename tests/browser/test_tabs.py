"""Browser tabs beside the clients of real runs: each tab receives exactly what the producer's record says."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.browser.conftest import CHROMIUMS
from tests.race.running import SMALL, Race, wait_until
from wirerace.cli import show
from wirerace.record.browsers import BrowsersRecord
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.transports import TRANSPORTS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not any(map(shutil.which, CHROMIUMS)), reason="there is no Chromium"),
]

TABS = 2
WITH_TABS = SMALL.replace("count = 20", f"count = 20\nbrowsers = {TABS}")
OTHER_WAYS = (
    WITH_TABS.replace("rate_per_second = 20.0", "rate_per_second = 10.0\nchannels = 2").replace(
        'transports = ["polling", "longpolling", "websocket", "sse", "stream"]', ""
    )
    + """
[[contestants]]
id = "conditional"
transport = "polling"
options = { conditional = true }

[[contestants]]
id = "slow"
transport = "longpolling"
options = { repoll_delay_seconds = 0.1 }

[[contestants]]
id = "latest"
transport = "polling"
options = { deliver = "latest", interval_seconds = 0.3 }

[[contestants]]
id = "packed"
transport = "websocket"
options = { deflate = "shared", batch_seconds = 0.05 }
path = "far"

[paths.far]
delay_seconds = 0.02
"""
)
OWN = ("conditional", "slow", "latest", "packed")


def exactly(raw: Raw, tabs: int) -> None:
    """Check that each tab received each update of the window once, by the producer's record alone."""
    assert raw.browsers is not None
    of_channel = {channel: tabs // len(raw.truth.by_channel()) for channel in raw.truth.by_channel()}
    made = {
        (epoch.sequence, seq): of_channel[epoch.channel]
        for epoch in raw.truth.epochs
        for seq, ts in zip(epoch.seq, epoch.ts, strict=True)
        if raw.window.has(ts)
    }
    account = raw.browsers.account
    assert made == {key: spread.clients for key, spread in account.spread_of.items()}
    assert (0, 0, 0) == (account.duplicated, account.reordered, account.missing)


def of_tabs(race: Race, contestant: str) -> tuple[Trial, Raw, BrowsersRecord]:
    (trial,) = [trial for transport in TRANSPORTS for trial in race.trials(transport) if trial.contestant == contestant]
    raw = race.raw(contestant)
    assert raw.browsers is not None
    return trial, raw, raw.browsers


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Race]:
    race = Race(tmp_path_factory.mktemp("tabs"), WITH_TABS)
    assert 0 == race.wait(), race.stderr
    yield race
    race.close()


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Race]:
    race = Race(tmp_path_factory.mktemp("ways"), OTHER_WAYS)
    assert 0 == race.wait(), race.stderr
    yield race
    race.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_tabs_receive_exactly_what_the_producer_made(race: Race, transport: str) -> None:
    trial, raw, record = of_tabs(race, transport)

    exactly(raw, TABS)
    assert trial.browsers is not None
    assert (TABS, 0, trial.updates * TABS) == (trial.browsers.tabs, trial.browsers.lost, trial.browsers.expected)
    assert TABS == record.account.subscribed
    assert trial.expected == trial.updates * 20, "tabs are in no count of the clients"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clock_of_a_tab_is_known_and_no_update_comes_before_it_is_made(race: Race, transport: str) -> None:
    trial, _, record = of_tabs(race, transport)
    assert trial.browsers is not None

    assert all(0 < clock.resolution_ns <= 100_000 for clock in record.clocks)
    assert trial.browsers.tab_latency_seconds.min is not None
    assert -trial.browsers.clock_accuracy_seconds < trial.browsers.tab_latency_seconds.min


def test_table_has_rows_of_the_tabs_and_the_verdict_says_that_costs_include_them(
    race: Race, capsys: pytest.CaptureFixture[str]
) -> None:
    show.command(race.out, full=True)
    said = capsys.readouterr().out

    assert "browser tabs: reach" in said
    assert "the same, minus the clients'" in said
    assert f"the server served {TABS} browser tabs, too" in " ".join(said.split())


@pytest.mark.parametrize("contestant", OWN)
def test_tabs_receive_all_with_the_options_of_a_contestant(ways: Race, contestant: str) -> None:
    trial, raw, record = of_tabs(ways, contestant)

    assert trial.browsers is not None
    assert (0, True) == (trial.browsers.lost, trial.browsers.is_whole)
    if contestant == "latest":
        assert trial.browsers.superseded > 0
        assert trial.browsers.expected + trial.browsers.superseded == trial.updates
    else:
        exactly(raw, TABS)
    assert TABS == record.account.subscribed


def test_delay_of_a_path_is_in_the_latency_of_its_tabs(ways: Race) -> None:
    trial, _, _ = of_tabs(ways, "packed")

    assert trial.browsers is not None
    assert trial.browsers.tab_latency_seconds.min is not None
    assert trial.browsers.tab_latency_seconds.min > 0.02


@pytest.mark.parametrize("part", ["server", "producer"])
def test_tabs_come_back_after_a_part_that_dies_and_lack_nothing(part: str, tmp_path: Path) -> None:
    killed = WITH_TABS + f'\n[[faults]]\nkind = "kill"\non = "{part}"\nat_seconds = 0.7\n'
    race = Race(tmp_path, killed, "--set", 'transports=["websocket", "sse", "polling"]')
    assert 0 == race.wait(), race.stderr

    for transport in ("websocket", "sse", "polling"):
        trial, raw, _ = of_tabs(race, transport)
        exactly(raw, TABS)
        assert trial.browsers is not None
        assert (trial.browsers.breaks >= TABS) == (part == "server")


def test_browser_that_is_killed_fails_its_trial_with_the_reason(tmp_path: Path) -> None:
    race = Race(tmp_path, WITH_TABS, "--set", 'transports=["sse"]', "--set", "window.measure_seconds=30")
    race.wait_for("measuring")
    driver = race.child("wirerace.runner.browsers.control")
    for child in driver.children():
        child.kill()

    assert 0 != race.wait()
    assert "the load's browser ended in the middle of the trial" in race.stderr
    assert "Chromium has ended" in race.stderr


def test_run_that_is_stopped_leaves_no_browser_behind(tmp_path: Path) -> None:
    race = Race(tmp_path, WITH_TABS, "--set", 'transports=["sse"]', "--set", "window.measure_seconds=30")
    race.wait_for("measuring")
    children = race.children()
    assert any("--remote-debugging-pipe" in " ".join(child.cmdline()) for child in children)
    race.signal(signal.SIGINT)

    assert 130 == race.wait()
    wait_until(lambda: not any(alive(child) for child in children))


def alive(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
