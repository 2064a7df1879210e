"""A broker's costs, what it adds to latency, and what the verdict says of it."""

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import GOOD, judged
from tests.wirerace.analysis.records import (
    MS,
    PLAN,
    WINDOW,
    made,
    received_by,
    sampled,
    truth_of,
)
from tests.wirerace.served import BROKERED
from tests.wirerace.trials import NOTHING_SPENT
from wirerace.analysis.broker_figures import BROKER_FIGURES, BROKER_PART
from wirerace.analysis.measure import figures
from wirerace.observe.account import AccountRecord
from wirerace.record.broker import BrokerCost, BrokerRecord, BrokerSample
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.theory.inputs import seconds_to_server


def sample(at_ns: int, cpu_seconds: float | None, user_bytes: int = 5) -> BrokerSample:
    return BrokerSample(began_ns=at_ns, ended_ns=at_ns, cpu_seconds=cpu_seconds, user_bytes=user_bytes)


SAMPLES = (sample(WINDOW.from_ns, 1.0), sample(WINDOW.to_ns, 3.0, 20))


def trial_with(record: BrokerRecord | None, account: AccountRecord, **server: float) -> Trial:
    """Return a trial whose server read two updates, each 3 ms after its intended time; they were made 1 ms late."""
    before = replace(NOTHING_SPENT, feed_seconds=0.5, feed_updates=9, broker_seconds=0.25, broker_updates=9)
    after = replace(before, feed_seconds=0.5 + 0.003 * 2, feed_updates=11, **server)
    measured = replace(sampled(before, after), broker=record)
    return figures(PLAN, Raw(WINDOW, account, truth_of(made(11, 12, late_ns=MS)), measured))


def test_cost_is_what_it_spent_in_the_window() -> None:
    trial = trial_with(BrokerRecord(version="2.10.27", samples=SAMPLES), AccountRecord(arrived=1_000))

    assert pytest.approx((2.0, 2_000, 0.2, 20)) == (
        trial.broker and trial.broker.cpu_seconds,
        trial.broker and trial.broker.cpu_us_per_delivery,
        trial.broker and trial.broker.utilisation,
        trial.broker and trial.broker.user_bytes,
    )


def test_cost_of_a_broker_that_was_started_again_is_unknown() -> None:
    trial = trial_with(BrokerRecord(version="2.10.27", samples=None), AccountRecord(arrived=1_000))

    assert trial.broker == BrokerCost(
        version="2.10.27", cpu_seconds=None, cpu_us_per_delivery=None, utilisation=None, user_bytes=None
    )


def test_time_to_the_broker_is_a_part_of_latency_and_what_follows_is_the_feed() -> None:
    """1 ms late, 0.5 ms to the broker, 1.5 ms from there to the server; the rest of 10 ms is the delivery's."""
    trial = trial_with(None, received_by(5, 10, 10), broker_seconds=0.25 + 0.0015 * 2, broker_updates=11)
    found = trial.latency_parts_seconds

    assert pytest.approx((0.001, 0.0005, 0.0015, 0.007)) == (
        found.producer,
        found.broker,
        found.feed,
        found.delivery,
    )
    assert pytest.approx(0.003) == seconds_to_server(trial)


def test_without_a_broker_there_is_no_such_part() -> None:
    trial = trial_with(None, received_by(5, 10, 10))

    assert pytest.approx(0.002) == trial.latency_parts_seconds.feed
    assert {None} == {figure.of(trial) for figure in (*BROKER_FIGURES, BROKER_PART)}


@pytest.mark.parametrize(("utilisation", "weights"), [(0.5, []), (0.9, ["doubt"]), (None, ["unchecked"])])
def test_broker_at_its_limit_is_a_doubt(utilisation: float | None, weights: list[str]) -> None:
    trial = replace(GOOD, broker=replace(BROKERED, utilisation=utilisation))
    found = [finding for finding in judged(trial).findings if finding.part == "broker"]

    assert weights == [finding.weight for finding in found]
    assert all("broker" in finding.what for finding in found)
