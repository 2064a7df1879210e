"""The verdict on a trial with one value out of bounds, or with none. tests/race/test_verdicts.py provokes reasons."""

from typing import Any

import msgspec
import pytest

from tests.wirerace.analysis.good import CLIENTS, EXPERIMENT, GOOD, STEADY, changed, judged, with_account
from tests.wirerace.trials import plan_of
from wirerace.analysis.validity import arrivals
from wirerace.analysis.validity.finding import Evidence
from wirerace.experiment.faults import Fault
from wirerace.experiment.model import Clients
from wirerace.experiment.paths import NetworkPath
from wirerace.record.durations import Times
from wirerace.record.parts import PartRecord
from wirerace.record.trial import Trial
from wirerace.workload.upstream import Upstream


def test_trial_without_a_fault_is_valid_and_everything_was_checked() -> None:
    assert [] == judged().findings


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("load.busiest_utilisation", 0.9, "a load process had work 90 % of the time: a load process that is busy"),
        ("load.waited_seconds", 9.0, "the load had no core 90 % of the time that it wanted one"),
        ("server.waited_seconds", 3.0, "the server had no core 75 % of the time"),
        ("server.throttled_seconds", 0.5, "the server was throttled 5 % of the time"),
        (
            "parts",
            {"server": PartRecord(2, 0.0)},
            "the server died and was started again, 2 times: clients had to come back",
        ),
        ("parts", {"load": PartRecord(1, 0.0)}, "the load died and was started again, once: "),
        ("parts", {"producer": PartRecord(1, 0.0)}, "the producer died and was started again, once: what was due"),
        ("parts", {"proxy": PartRecord(1, 0.0)}, "the proxy died and was started again, once: clients had to"),
        ("parts", {"producer": PartRecord(0, 0.05)}, "the producer was stopped by a signal, for 0.05 s at least"),
        ("parts", {"server": PartRecord(0, 0.05)}, "the server was stopped by a signal, for 0.05 s at least"),
        ("parts", {"load": PartRecord(0, 0.05)}, "the load was stopped by a signal, for 0.05 s at least"),
        ("parts", {"proxy": PartRecord(0, 0.05)}, "the proxy was stopped by a signal, for 0.05 s at least"),
        ("parts", {"wirerace": PartRecord(0, 3.0)}, "wirerace itself stood still, or had other work, for 3 s"),
        ("producer.late_seconds_max", 0.6, "an update was made 600 ms late: the producer stood still"),
        ("machine.stolen_cores", 0.5, "the hypervisor took 0.50 of 2 cores"),
        ("machine.memory_stalled_fraction", 0.2, "somebody waited for memory 20 % of the time"),
        ("machine.clock_stepped_seconds", -0.001, "the wall clock was set by 1 ms in the window"),
        ("producer.late_seconds_p99", 0.2, "1 % of updates were made 200 ms late or later"),
        ("late_polls", 60, "6 % of polls left late, or never"),
        ("bytes.retransmitted", 200, "200 segments were sent again beside 10000 of the trial"),
        ("clients", 199, "199 of 200 clients were there"),
        ("updates", 99, "99 updates were made in the window, and 100 were due"),
        ("updates", 101, "101 updates were made in the window, and 100 were due"),
        ("delivered", 9_000, "55 % of the deliveries that were due did not come"),
        ("client_seconds", 0.0, "no client was subscribed in the window"),
        ("failed_connects", 1, "clients failed to connect 1 times"),
    ],
)
def test_trial_is_invalid_for_one_reason(path: str, value: Any, reason: str) -> None:
    found = judged(changed(path, value))

    assert not found.valid
    assert ([], []) == (found.doubts, found.unchecked)
    assert 1 == len(found.reasons)
    assert found.reasons[0].startswith(reason)
    (finding,) = found.findings
    assert finding.why
    assert finding.cure


@pytest.mark.parametrize(
    ("path", "value", "doubt"),
    [
        ("load.busiest_utilisation", 0.7, "a load process had work 70 % of the time"),
        ("load.waited_seconds", 0.8, "the load had no core 44.4 % of the time"),
        ("upper_bounds", 300, "1.5 % of arrivals may have been earlier than their stamp"),
        ("machine.others_cores", 0.8, "other processes used 0.80 of 2 cores"),
        ("machine.stolen_cores", 0.04, "the hypervisor took 0.04 of 2 cores"),
        ("machine.memory_stalled_fraction", 0.02, "somebody waited for memory 2 %"),
        ("producer.late_seconds_p99", 0.02, "1 % of updates were made 20 ms late"),
        ("late_polls", 20, "2 % of polls left late"),
        ("parts", {"wirerace": PartRecord(0, 0.6)}, "wirerace itself stood still, or had other work, for 0.6 s"),
        ("producer.late_seconds_max", 0.3, "an update was made 300 ms late"),
        ("bytes.retransmitted", 1, "1 segment was sent again"),
        ("responses", {"data": 1, "empty": 0, "error": 3}, "3 requests were answered with an error"),
        ("delivered", 19_000, "5 % of the deliveries that were due did not come"),
        ("clock", "user", "arrivals are read from the user-space clock"),
    ],
)
def test_trial_is_doubtful_and_still_valid(path: str, value: Any, doubt: str) -> None:
    found = judged(changed(path, value))

    assert found.valid
    assert 1 == len(found.doubts)
    assert found.doubts[0].startswith(doubt)
    assert all(finding.why and finding.cure for finding in found.findings if finding.weight == "doubt")


@pytest.mark.parametrize(
    ("path", "unchecked"),
    [
        ("load.busiest_utilisation", "the load's CPU time"),
        ("load.waited_seconds", "how long the load waited for a core"),
        ("server.waited_seconds", "how long the server waited for a core"),
        ("server.throttled_seconds", "throttling of the server"),
        ("reader_lag_seconds.p99", "reader lag"),
        ("machine.others_cores", "what other processes used"),
        ("machine.stolen_cores", "what the hypervisor took"),
        ("machine.memory_stalled_fraction", "memory pressure"),
        ("producer.late_seconds_p99", "the producer's lateness"),
        ("bytes.retransmitted", "retransmissions"),
    ],
)
def test_check_that_cannot_be_made_is_named(path: str, unchecked: str) -> None:
    found = judged(changed(path, None)).findings
    assert [("unchecked", unchecked)] == [(one.weight, one.what) for one in found]
    assert all(one.part for one in found)


def lagging(p99: float, longest: float = 0.003, upper_bounds: int = 0) -> Trial:
    """Return the good trial with late readings, and with some arrivals that were read together."""
    lag = msgspec.structs.replace(GOOD.reader_lag_seconds, p99=p99, max=longest)
    return msgspec.structs.replace(GOOD, reader_lag_seconds=lag, upper_bounds=upper_bounds)


ACTING: dict[str, dict[str, Any]] = {
    "asks, in a record of an older version": {},
    "sends": {"upstream": Upstream(rate_per_second=1.0)},
    "comes back": {"faults": [Fault(kind="cut", on="clients", at_seconds=2.0)]},
    "comes and goes": {"clients": Clients(count=CLIENTS, shape="spike")},
}
"""Clients that do something when they have read."""


@pytest.mark.parametrize("case", ACTING)
@pytest.mark.parametrize(
    ("trial", "weight", "text"),
    [
        (lagging(0.3), "reason", "1 % of readings came 300 ms after their arrival or later"),
        (lagging(0.3, 0.6), "reason", "1 % of readings came 300 ms after their arrival or later"),
        (lagging(0.002, 0.6), "reason", "something that had arrived was read 600 ms later"),
        (lagging(0.06), "doubt", "1 % of readings came 60 ms after"),
        (lagging(0.002, 0.3), "doubt", "something that had arrived was read 300 ms later"),
    ],
)
def test_client_that_reads_late_and_acts_late_is_one_finding(case: str, trial: Trial, weight: str, text: str) -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, **ACTING[case])
    plan = plan_of("longpolling" if case.startswith("asks") else "websocket", experiment=experiment)

    (found,) = arrivals.check(Evidence(plan, STEADY, trial))
    assert weight == found.weight
    assert found.what.startswith(text)


@pytest.mark.parametrize("transport", ["sse", "stream", "websocket"])
def test_late_readings_of_a_client_that_only_listens_colour_only_what_was_read_together(transport: str) -> None:
    def weights_of(trial: Trial) -> list[str]:
        plan = plan_of(transport, experiment=EXPERIMENT)
        return [found.weight for found in arrivals.check(Evidence(plan, STEADY, trial))]

    assert [] == weights_of(lagging(2.0, 5.0))
    assert [] == weights_of(lagging(2.0, 5.0, upper_bounds=100))
    assert ["doubt"] == weights_of(lagging(2.0, 5.0, upper_bounds=1000))
    assert ["reason"] == weights_of(lagging(2.0, 5.0, upper_bounds=6000))
    assert ["doubt"] == weights_of(lagging(0.002, upper_bounds=6000)), "batches are read together, but not late"


@pytest.mark.parametrize(("transport", "weight"), [("sse", "unchecked"), ("websocket", "doubt")])
def test_what_a_buffer_has_held_back_comes_together_and_is_no_doubt(transport: str, weight: str) -> None:
    """nginx's defaults hold streams back, and no WebSocket."""
    raw = msgspec.structs.replace(STEADY, path=NetworkPath(proxy="nginx"))
    plan = plan_of(transport, experiment=EXPERIMENT)

    assert [weight] == [
        found.weight for found in arrivals.check(Evidence(plan, raw, lagging(0.002, upper_bounds=6000)))
    ]


def test_reader_lag_is_unchecked_where_nothing_was_read_or_the_kernel_stamps_nothing() -> None:
    unread = msgspec.structs.replace(GOOD, reader_lag_seconds=Times(0, None, None, None, None))

    assert ["reader lag"] == judged(unread).unchecked
    assert ["reader lag"] == judged(changed("clock", "user")).unchecked


def test_stamps_that_the_kernel_left_out_are_upper_bounds_too() -> None:
    """Of 20000 deliveries, 150 were read together with something newer and 150 had no stamp."""
    found = judged(changed("upper_bounds", 150), with_account(unstamped=150))

    assert ["1.5 % of arrivals may have been earlier than their stamp"] == [
        doubt.partition(":")[0] for doubt in found.doubts
    ]


def test_trial_without_a_verdict_is_not_valid() -> None:
    assert not GOOD.is_valid
    assert msgspec.structs.replace(GOOD, verdict=judged()).is_valid
