"""What a load process exports, and what it leaves out because there is no value."""

import argparse
import math
from collections.abc import Iterator

import pytest
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from prometheus_client import generate_latest

from loadtests.load import Load
from loadtests.metrics import Totals, new_registry
from loadtests.options import add_options, read_options
from loadtests.user import DELIVERY
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.observe.account import OUTCOMES
from wirerace.observe.ledger import Ledger
from wirerace.observe.metrics import samples
from wirerace.transports import TRANSPORTS
from wirerace.wire.update import Cursor, Update

INTERVAL = 'wirerace_load_poll_interval_seconds{transport="polling"}'


def new_load() -> Load:
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    return Load(Environment(), read_options(vars(parser.parse_args(["--polling-interval-seconds=0.25"]))))


@pytest.fixture
def load() -> Iterator[Load]:
    load = new_load()
    yield load
    load.stop()


def exported(totals: Totals) -> dict[str, float]:
    return samples(generate_latest(new_registry(totals)).decode())


def scraped(load: Load | None) -> dict[str, float]:
    totals = Totals()
    totals.begin(load)
    return exported(totals)


def test_gauge_without_a_value_has_no_sample(load: Load) -> None:
    """NaN of one worker would make the mean over all of them NaN."""
    for found in (scraped(None), scraped(load)):
        assert 'wirerace_load_clients{transport="polling"}' in found
        assert not [name for name in found if name.startswith("wirerace_load_age_seconds{")]
        assert INTERVAL not in found
        assert not [name for name, value in found.items() if math.isnan(value)]


def test_poll_interval_is_there_while_its_clients_are(load: Load) -> None:
    for transport in TRANSPORTS.values():
        load.account_of(transport).live_clients = 2
    found = scraped(load)

    assert {INTERVAL: 0.25} == {name: value for name, value in found.items() if "poll_interval" in name}


def test_gaps_between_an_answer_and_the_next_request_add_up(load: Load) -> None:
    """They do so inside and outside the window."""
    account = load.account_of(TRANSPORTS["longpolling"])
    for gap_ns in (NS_PER_SECOND, NS_PER_SECOND // 2):
        account.repoll(10 * NS_PER_SECOND + gap_ns, 10 * NS_PER_SECOND)
    found = scraped(load)

    assert 2 == found['wirerace_load_repoll_gap_seconds_count{transport="longpolling"}']
    assert 1.5 == found['wirerace_load_repoll_gap_seconds_sum{transport="longpolling"}']
    assert 0 == found['wirerace_load_repoll_gap_seconds_count{transport="polling"}']


def busy_load() -> Load:
    """Return the load of a test in which everything that is counted has happened at least once."""
    load, transport = new_load(), TRANSPORTS["longpolling"]
    account = load.account_of(transport)
    account.request(1)
    account.repoll(NS_PER_SECOND, 0)
    account.repoll(0, NS_PER_SECOND)
    account.late_poll(1)
    for outcome in OUTCOMES:
        account.response(outcome, 1, 1)
    ledger = Ledger(account)
    ledger.open(Cursor("e", 0), 1)
    for seq in (1, 3, 2, 2):
        ledger.receive(Update("e", seq, 5, ""), 6)
    latest = Ledger(account, latest_only=True)
    latest.open(Cursor("e", 0), 1)
    latest.receive(Update("e", 3, 5, ""), 6)
    account.tally.messages = account.tally.acknowledged = 1
    account.totals.connects = account.totals.cuts = account.totals.breaks = 1
    for took_ns in (-5, NS_PER_SECOND // 3):
        load.statistics.times_of(DELIVERY, transport.path).note(took_ns, 1)
    return load


@pytest.mark.long
def test_no_counter_falls_when_another_test_begins() -> None:
    """Prometheus takes a falling counter as a restarted process."""
    totals = Totals()
    seen = [exported(totals)]
    for _ in range(3):
        load = busy_load()
        totals.begin(load)
        seen.append(exported(totals))
        load.stop()
    totals.begin(None)
    seen.append(exported(totals))

    ending = ("_total", "_count", "_sum", "_bucket")
    counters = [name for name in seen[0] if "longpolling" in name and name.partition("{")[0].endswith(ending)]
    assert len(counters) > 30
    for name in counters:
        values = [found[name] for found in seen]
        assert values == pytest.approx([values[1] * tests for tests in (0, 1, 2, 3, 3)]), name
        assert values[1] > 0, f"{name} was not counted"


def test_what_came_before_it_was_due_is_counted_and_takes_nothing_from_the_sum() -> None:
    load = busy_load()
    found = scraped(load)
    load.stop()

    assert 1 == found['wirerace_load_early_deliveries_total{transport="longpolling"}']
    assert pytest.approx(1 / 3) == found['wirerace_load_delivery_latency_seconds_sum{transport="longpolling"}']
    assert 1.0 == found['wirerace_load_repoll_gap_seconds_sum{transport="longpolling"}']


def test_scrape_looks_at_no_client(load: Load) -> None:
    """With 10,000 clients a look at each would take longer than many deliveries."""

    class Unlooked:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"{name} of a client was read")

    load.join(Unlooked())  # type: ignore[arg-type]  # that is the point
    account = load.account_of(TRANSPORTS["sse"])
    ledger = Ledger(account)
    ledger.open(Cursor("e", 0), 1)
    ledger.receive(Update("e", 4, NS_PER_SECOND, ""), 2 * NS_PER_SECOND)
    found = scraped(load)

    assert 3 == found['wirerace_load_missing{transport="sse"}']
    assert pytest.approx(now_ns() / NS_PER_SECOND - 1, abs=600) == found['wirerace_load_age_seconds{transport="sse"}']
