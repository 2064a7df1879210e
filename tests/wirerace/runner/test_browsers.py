"""Browser tabs without a browser: orders, clocks, ledgers, and what is refused before anything starts."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refusals import lacking
from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.reading import study_of
from wirerace.observe.account import Window
from wirerace.record.browsers import TabClock
from wirerace.runner.browsers.chromium import find_chromium
from wirerace.runner.browsers.clocks import Comparison, clock_of
from wirerace.runner.browsers.ledgers import FLOAT_NS, have_all, record_of
from wirerace.runner.browsers.order import Delivery, TabLedger, TabLedgers, TabsOrder
from wirerace.runner.browsers.page import page
from wirerace.runner.targets.compose import SUPPORTED as OF_COMPOSE
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.supported import OF_PAGE
from wirerace.runner.targets.target import refuse_unsupported
from wirerace.workload.truth import Counts, EpochCount, EpochMade, Truth

SECOND_NS, MS = 10**9, 1000.0
START_NS = 1_790_000_000 * SECOND_NS
WINDOW = Window(START_NS + SECOND_NS, START_NS + 3 * SECOND_NS)
MADE_NS = [START_NS + index * SECOND_NS // 2 for index in range(8)]
TRUTH = Truth(8, complete=True, epochs=[EpochMade("e", list(range(1, 9)), MADE_NS, [0] * 8)])
EXACT = TabClock(0, 0, 0)
WITH_TABS = {"title": "t", "transports": ["polling"], "clients": {"browsers": 2}}


def as_a_script_has_it(ts_ns: int) -> int:
    """Return a time of making as JSON.parse reads it: a float."""
    return int(float(ts_ns))


def delivery(seq: int, latency_ms: float = 2.0) -> Delivery:
    ts = MADE_NS[seq - 1]
    return ("e", "", seq, as_a_script_has_it(ts), ts / 1e6 + latency_ms)


def tab_with(*deliveries: Delivery, clock: TabClock = EXACT, channel: str = "") -> TabLedger:
    return TabLedger(channel, START_NS / 1e6 - MS, START_NS / 1e6 + 10 * MS, 0, clock, list(deliveries))


def record(*tabs: TabLedger, latest_only: bool = False):  # type: ignore[no-untyped-def] # noqa: ANN201
    return record_of(TabLedgers("Chrome/1", list(tabs)), WINDOW, TRUTH, latest_only=latest_only)


def test_window_begins_and_ends_exactly_where_it_does_for_other_clients() -> None:
    """Updates 3 to 6 are made in the window, two of them at its very ends; floats of their times are not exact."""
    account = record(tab_with(*map(delivery, range(1, 9)))).account

    assert (4, 0, 0, 1) == (account.delivered, account.duplicated, account.reordered, account.subscribed)
    assert {"e": [3, 4, 5, 6]} == {sequence: spreads.seq for sequence, spreads in account.updates.items()}


def test_tab_that_misses_and_repeats_and_reorders_updates_says_so() -> None:
    account = record(tab_with(*map(delivery, (1, 2, 3, 3, 6, 5)))).account

    assert (3, 1, 1, 1) == (account.delivered, account.duplicated, account.reordered, account.missing)


def test_tab_of_the_latest_only_does_not_lack_what_was_superseded() -> None:
    account = record(tab_with(*map(delivery, (1, 3, 6))), latest_only=True).account

    assert (2, 2, 0) == (account.delivered, account.superseded, account.missing)


def test_times_of_a_tab_are_corrected_by_its_clock() -> None:
    ahead = tab_with(*(delivery(seq, 2.0 + 500.0) for seq in range(1, 9)), clock=TabClock(500_000_000, 10, 10))

    assert 2_000_000 == pytest.approx(record(ahead).account.latencies.sum_ns / 4, abs=2 * FLOAT_NS)


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        (tab_with(), "1 of 1 browser tabs had received no update when the window began"),
        (tab_with(delivery(5)), "1 of 1 browser tabs had received no update when the window began"),
        (tab_with(delivery(1), ("e", "other", 2, MADE_NS[1], MADE_NS[1] / 1e6)), "never made"),
        (tab_with(delivery(1), ("e", "", 2, MADE_NS[1] + 1000, MADE_NS[1] / 1e6)), "never made"),
    ],
    ids=["nothing", "too late", "another channel", "another time"],
)
def test_tab_that_contradicts_the_producer_fails_the_trial(tab: TabLedger, words: str) -> None:
    with pytest.raises(TrialFailed, match=words):
        record(tab)


@pytest.mark.parametrize(
    ("newest", "has_all"),
    [
        ([("", "e", 8), ("", "e", 9)], True),
        ([("", "e", 8), ("", "e", 7)], False),
        ([("", "d", 8)], False),
        ([("", "", 0)], False),
        ([("quiet", "", 0)], True),
    ],
)
def test_tabs_have_all_when_each_has_the_newest_of_its_channel(
    newest: list[tuple[str, str, int]], *, has_all: bool
) -> None:
    assert has_all == have_all(newest, Counts(8, complete=True, epochs=[EpochCount("e", 8, 8)]))


@given(
    offset_ns=st.integers(-(10**9), 10**9),
    drift_ns=st.integers(-(10**6), 10**6),
    trips=st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=10),
)
def test_true_offset_of_a_clock_lies_within_what_is_said(
    offset_ns: int, drift_ns: int, trips: list[tuple[int, int]]
) -> None:
    """A tab reads its clock at any instant of a round trip, and the clock may drift between two comparisons."""
    comparisons = []
    for true_ns in (offset_ns, offset_ns + drift_ns):
        comparison = Comparison()
        for before_ns, after_ns in trips:
            comparison.asked(START_NS - before_ns, (START_NS + true_ns) / 1e6, START_NS + after_ns)
        comparisons.append(comparison)
        clock = clock_of(comparisons)
        assert abs(clock.offset_ns - true_ns) <= clock.accuracy_ns + FLOAT_NS


def order(**changes: object) -> TabsOrder:
    known = {"chromium": "c", "page_port": 1, "control_port": 2, "count": 3, "transport": "sse", "url": "http://h/sse"}
    return TabsOrder(**known | {"options": {}, "channels": [""]} | changes)  # type: ignore[arg-type]


def test_tabs_take_channels_in_turn_and_ask_for_what_the_contestant_asks_for() -> None:
    found = order(channels=["1", "2"], options={"deliver": "latest"})

    assert ["1", "2", "1"] == [found.channel_of(index) for index in range(3)]
    assert "http://h/sse?channel=2&deliver=latest" == found.tab(1)["url"]
    assert "http://h/sse" == order().tab(0)["url"]


def test_page_of_a_tab_has_every_transport_and_ends_its_script_once() -> None:
    assert 5 == page().count("receivers.") - page().count("receivers.longpolling &&")
    assert 1 == page().count("</script>")


def test_browser_that_is_not_installed_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput) as refused:
        Local(study_of(WITH_TABS, Path()), tmp_path)

    assert [] == lacking(str(refused.value), "clients.browsers", ["apt-get install chromium", "clients.browsers = 0"])
    assert [] == list(tmp_path.iterdir())


def test_browser_is_found_by_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "google-chrome").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert str(tmp_path / "google-chrome") == find_chromium()


@pytest.mark.parametrize(("supported", "cure"), [(OF_COMPOSE, "leave out --on compose"), (OF_PAGE, "wirerace run")])
def test_place_without_a_browser_refuses_it_with_the_cure(supported: object, cure: str) -> None:
    study = study_of(WITH_TABS | {"clients": {"browsers": [0, 2]}}, Path())
    with pytest.raises(BadInput) as refused:
        refuse_unsupported(study, supported)  # type: ignore[arg-type]

    assert [] == lacking(str(refused.value), "clients.browsers", [cure])
