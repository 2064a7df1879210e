"""The laws of recovery: beside closed forms, and beside attempts that are played one by one."""

import random

import pytest

from wirerace.backoff import OF_CLIENTS, OF_FEED, Backoff
from wirerace.experiment.faults import Fault
from wirerace.theory.recovery import After, Law, attempt_after, law_of, mean_recovery, most_recovery, pause_at


def cut(jitter_seconds: float) -> Fault:
    return Fault(kind="cut", on="clients", at_seconds=1.0, jitter_seconds=jitter_seconds)


def law(fault: Fault, after: After) -> Law:
    found = law_of(fault, after)
    assert found is not None
    return found


@pytest.mark.parametrize("jitter", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("made", [0.0, 0.2])
@pytest.mark.parametrize("exchange", [0.0, 0.05])
def test_cut_with_jitter_has_the_mean_of_a_uniform_return(jitter: float, made: float, exchange: float) -> None:
    """A client that is back before the first update waits for it: E max(U + e, g) = e + (J² + x²) / 2J, x = g − e."""
    after = After(made, 0.0, exchange)
    x = max(0.0, made - exchange)
    closed = exchange + (jitter**2 + x**2) / (2 * jitter)
    assert pytest.approx(closed, rel=0.05) == mean_recovery(law(cut(jitter), after), after)
    assert pytest.approx(jitter + exchange) == most_recovery(law(cut(jitter), after), after)


def test_cut_without_jitter_waits_for_the_next_update_or_poll() -> None:
    push, poll = After(0.1, 0.0, 0.002), After(0.1, 0.5, 0.002)
    assert pytest.approx(0.1) == mean_recovery(law(cut(0.0), push), push)
    assert pytest.approx(0.102) == most_recovery(law(cut(0.0), push), push)
    assert pytest.approx(0.1 + 0.25, rel=0.05) == mean_recovery(law(cut(0.0), poll), poll)
    assert pytest.approx(0.602) == most_recovery(law(cut(0.0), poll), poll)


def test_stall_breaks_nothing_so_only_polls_are_waited_for() -> None:
    stall = Fault(kind="stall", on="server", at_seconds=1.0, lasts_seconds=1.5)
    push, poll = After(1.6, 0.0, 0.002), After(1.6, 0.5, 0.002)
    assert pytest.approx(1.6) == mean_recovery(law(stall, push), push)
    assert pytest.approx(1.85, rel=0.02) == mean_recovery(law(stall, poll), poll)


def test_proxy_that_cuts_keeps_no_poller_away() -> None:
    at_proxy = Fault(kind="cut", on="proxy", at_seconds=1.0)
    push, poll = After(0.0, 0.0, 0.0), After(0.0, 0.5, 0.0)
    least = OF_CLIENTS.least_seconds
    assert pytest.approx(0.75 * least, rel=0.05) == mean_recovery(law(at_proxy, push), push)
    assert pytest.approx(0.25, rel=0.05) == mean_recovery(law(at_proxy, poll), poll)


@pytest.mark.parametrize("on", ["server", "proxy"])
def test_part_that_was_down_is_found_by_the_next_attempt(on: str) -> None:
    kill = Fault(kind="kill", on=on, at_seconds=1.0)  # type: ignore[arg-type]
    after = After(0.0, 0.0, 0.0, down_seconds=0.6)
    mean, most = mean_recovery(law(kill, after), after), most_recovery(law(kill, after), after)
    assert 0.6 < mean < most <= 0.6 + pause_at(0.6, OF_CLIENTS)
    assert law_of(kill, After(0.0, 0.0, 0.0)) is None, "how long it was down is not known"


def test_nothing_is_known_of_a_producer_that_ends() -> None:
    assert law_of(Fault(kind="restart", on="producer", at_seconds=1.0), After(1.0, 0.0, 0.0)) is None


def test_dropped_feed_is_found_again_by_the_next_attempt_of_the_server() -> None:
    drop = Fault(kind="drop", on="feed", at_seconds=1.0, lasts_seconds=1.0)
    push, poll = After(1.1, 0.0, 0.0), After(1.1, 0.5, 0.0)
    assert 1.1 < mean_recovery(law(drop, push), push) < most_recovery(law(drop, push), push) <= 2.0
    assert mean_recovery(law(drop, push), push) < mean_recovery(law(drop, poll), poll)


@pytest.mark.long
@pytest.mark.parametrize("backoff", [OF_CLIENTS, OF_FEED, Backoff(0.2, 0.3)])
@pytest.mark.parametrize("down", [0.0, 0.01, 0.3, 1.0, 7.0, 30.0])
def test_no_attempt_comes_later_than_the_longest_pause_allows(backoff: Backoff, down: float) -> None:
    source, longest = random.Random(1), pause_at(down, backoff)
    waits = [attempt_after(down, 0.0, backoff, source) - down for _ in range(5000)]
    assert 0 <= min(waits)
    assert 0.5 * longest < max(waits) <= longest + 1e-9
