"""What the users of one process share."""

import argparse
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.load import Load, channels_of
from loadtests.options import add_options, read_options
from wirerace.transports import TRANSPORTS

INTERVAL_SECONDS = 0.04
INTERVAL_NS = 40_000_000


@pytest.mark.parametrize("pace_ns", [0, 300_000, 15_278_640, 40_000_000, 1_000_000_000])
def test_polls_cover_the_interval_evenly_at_whatever_pace_clients_come(pace_ns: int) -> None:
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    load = Load(Environment(), read_options(vars(parser.parse_args([]))))
    begun_ns = random.Random(1).randrange(2**60)
    came_ns = [begun_ns + number * pace_ns for number in range(20)]
    due_ns = [load.next_due_ns(INTERVAL_SECONDS, at_ns) for at_ns in came_ns]

    assert all(0 <= due - came < INTERVAL_NS for due, came in zip(due_ns, came_ns, strict=True))
    phases = sorted(due % INTERVAL_NS for due in due_ns)
    gaps = [late - early for early, late in itertools.pairwise([*phases, phases[0] + INTERVAL_NS])]
    assert max(gaps) < 2 * INTERVAL_NS / 20
    assert min(gaps) > 0.5 * INTERVAL_NS / 20


def test_state_has_the_ages_of_all_clients_in_the_window_so_far() -> None:
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    load = Load(Environment(), read_options(vars(parser.parse_args([]))))
    for name, ages in {"polling": (0.5, 2), "sse": (0.25, 3)}.items():
        totals = load.account_of(TRANSPORTS[name]).totals
        totals.age_area, totals.age_ns = ages

    assert (0.75, 5) == (load.state().age_area, load.state().age_ns)


@given(st.integers(1, 40), st.integers(1, 7), st.integers(0, 200))
def test_clients_of_all_processes_take_the_channels_in_turn(count: int, processes: int, clients: int) -> None:
    """Locust gives clients to processes in turn."""
    own = [itertools.cycle(channels_of(count, index, processes)) for index in range(processes)]
    taken = [next(own[client % processes]) for client in range(clients)]
    names = [""] if count == 1 else [str(number) for number in range(1, count + 1)]
    assert [names[client % count] for client in range(clients)] == taken


def test_clients_of_each_transport_take_the_channels_in_turn() -> None:
    """Locust gives a process clients of all classes in turn: two of them must not take a channel each."""
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    load = Load(Environment(), read_options(vars(parser.parse_args(["--channels=2"]))))
    polling, sse = TRANSPORTS["polling"], TRANSPORTS["sse"]
    taken = [(transport.name, load.next_channel(transport)) for transport in (polling, sse, polling, sse)]
    assert [("polling", "1"), ("sse", "1"), ("polling", "2"), ("sse", "2")] == taken


def test_all_clients_of_a_transport_write_into_one_account_that_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    load = Load(Environment(), read_options(vars(parser.parse_args([]))))
    first = load.account_of(TRANSPORTS["sse"]), load.counters_of(TRANSPORTS["sse"])
    monkeypatch.delattr("loadtests.load.Account")
    monkeypatch.delattr("loadtests.load.Counters")

    assert first == (load.account_of(TRANSPORTS["sse"]), load.counters_of(TRANSPORTS["sse"]))
