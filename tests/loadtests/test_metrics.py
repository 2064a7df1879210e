"""What a load process exports, and what it leaves out because there is nothing to say."""

import argparse
import math
from collections.abc import Iterator

import pytest
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from prometheus_client import generate_latest

from loadtests.load import Load
from loadtests.metrics import new_registry
from loadtests.options import add_options, read_options
from wirerace.clock import NS_PER_SECOND
from wirerace.metrics import samples
from wirerace.transports import TRANSPORTS

INTERVAL = 'wirerace_load_poll_interval_seconds{transport="polling"}'


@pytest.fixture
def load() -> Iterator[Load]:
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    load = Load(Environment(), read_options(vars(parser.parse_args(["--polling-interval-seconds=0.25"]))))
    yield load
    load.stop()


def scraped(load: Load | None) -> dict[str, float]:
    return samples(generate_latest(new_registry(lambda: load)).decode())


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
    """Whatever the window is."""
    account = load.account_of(TRANSPORTS["longpolling"])
    for gap_ns in (NS_PER_SECOND, NS_PER_SECOND // 2):
        account.repoll(10 * NS_PER_SECOND + gap_ns, 10 * NS_PER_SECOND)
    found = scraped(load)

    assert 2 == found['wirerace_load_repoll_gap_seconds_count{transport="longpolling"}']
    assert 1.5 == found['wirerace_load_repoll_gap_seconds_sum{transport="longpolling"}']
    assert 0 == found['wirerace_load_repoll_gap_seconds_count{transport="polling"}']
