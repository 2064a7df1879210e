"""Every reason and doubt by itself, and the trial that has none. tests/race/test_verdicts.py provokes them for real."""

from typing import Any

import msgspec
import pytest

from tests.wirerace.trials import NOTHING_MEASURED, plan_of, trial_of
from wirerace.account import AccountRecord, Heard, ProcessUse, Window
from wirerace.analysis.validity.finding import Evidence
from wirerace.analysis.validity.verdict import verdict
from wirerace.experiment.model import Clients, Experiment, Stall
from wirerace.experiment.record import Raw
from wirerace.experiment.trial import Cell, Latency, Machine, ProducerQuality, Times, Trial, Verdict
from wirerace.schedule import Made, Truth

SECOND = 10**9
WINDOW = Window(100 * SECOND, 110 * SECOND)
MADE = [WINDOW.from_ns + index * SECOND // 10 for index in range(100)]
CLIENTS = 200
IDLE = ProcessUse(10.0, 1.0, 0.1, 0.0)


def raw_of(latencies_ms: list[float]) -> Raw:
    """Return the record of updates that all clients heard with these latencies, each a little apart."""
    heard = {}
    for seq, latency in enumerate(latencies_ms, 1):
        least, most = round(latency * 1e6), round(latency * 1e6) + 10_000
        heard[seq] = Heard(CLIENTS, CLIENTS * least, least, most)
    account = AccountRecord(
        subscribed=CLIENTS,
        most_clients=CLIENTS,
        delivered=CLIENTS * len(heard),
        updates={"e": heard},
        processes=[IDLE],
    )
    truth = Truth(len(MADE), complete=True, epochs=[Made("e", list(range(1, 101)), MADE, [0] * 100)])
    return Raw(WINDOW, account, truth, NOTHING_MEASURED)


STEADY = raw_of([5 + index % 7 for index in range(100)])
EXPERIMENT = Experiment("t", ["websocket"], clients=Clients(count=CLIENTS))
PLAN = plan_of("websocket")
BARE = trial_of(PLAN, WINDOW, STEADY.account, STEADY.truth)
GOOD = msgspec.structs.replace(
    BARE,
    latency_seconds=Latency(0.008, 0.0075, 0.010, 0.0105, None, 0.011),
    reader_lag_seconds=Times(20_000, 0.001, 0.001, 0.002, 0.003),
    requests=1000,
    bytes=msgspec.structs.replace(BARE.bytes, segments_in=5000, segments_out=5000, retransmitted=0),
    server=msgspec.structs.replace(BARE.server, cpu_seconds=1.0, waited_seconds=0.1, throttled_seconds=0.0),
    load=msgspec.structs.replace(
        BARE.load, cpu_seconds=1.0, waited_seconds=0.1, throttled_seconds=0.0, busiest_utilisation=0.1
    ),
    producer=ProducerQuality(0.0002, 0.001),
    machine=Machine(2, 0.1, 0.0, 0.0, 0.0),
)


def judged(trial: Trial = GOOD, raw: Raw = STEADY, experiment: Experiment = EXPERIMENT) -> Verdict:
    return verdict(Evidence(experiment, PLAN, raw, trial))


def changed(path: str, value: Any) -> Trial:
    """Return the good trial with one value changed, of the trial or of one of its parts."""
    name, _, inner = path.partition(".")
    if inner:
        value = msgspec.structs.replace(getattr(GOOD, name), **{inner: value})
    return msgspec.structs.replace(GOOD, **{name: value})


def test_trial_without_a_fault_is_valid_and_everything_was_checked() -> None:
    assert Verdict(valid=True) == judged()


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("load.busiest_utilisation", 0.9, "a load process had work 90 % of the time: a load process that is busy"),
        ("load.waited_seconds", 9.0, "the load had no core 90 % of the time that it wanted one"),
        ("reader_lag_seconds.p99", 0.3, "1 % of readings came 300 ms after their arrival or later"),
        ("server.waited_seconds", 3.0, "the server had no core 75 % of the time"),
        ("server.throttled_seconds", 0.5, "the server was throttled 5 % of the time"),
        ("machine.stolen_cores", 0.5, "the hypervisor took 0.50 of 2 cores"),
        ("machine.memory_stalled_fraction", 0.2, "somebody waited for memory 20 % of the time"),
        ("machine.clock_stepped_seconds", -0.001, "the wall clock was set by 1 ms in the window"),
        ("producer.late_seconds_p99", 0.2, "1 % of updates were made 200 ms late or later"),
        ("late_polls", 60, "6 % of polls left late, or never"),
        ("bytes.retransmitted", 200, "200 segments were sent again beside 10000 of the trial"),
        ("clients", 199, "only 199 of 200 clients were there"),
        ("failed_connects", 1, "clients failed to connect 1 times"),
    ],
)
def test_trial_is_invalid_for_one_reason(path: str, value: Any, reason: str) -> None:
    found = judged(changed(path, value))

    assert not found.valid
    assert ([], []) == (found.doubts, found.unchecked)
    assert 1 == len(found.reasons)
    assert found.reasons[0].startswith(reason)
    assert ": " in found.reasons[0], "it says why"


@pytest.mark.parametrize(
    ("path", "value", "doubt"),
    [
        ("load.busiest_utilisation", 0.7, "a load process had work 70 % of the time"),
        ("load.waited_seconds", 0.8, "the load had no core 44.4 % of the time"),
        ("reader_lag_seconds.p99", 0.06, "1 % of readings came 60 ms after"),
        ("upper_bounds", 300, "1.5 % of arrivals may have been earlier than their stamp"),
        ("machine.others_cores", 0.8, "other processes used 0.80 of 2 cores"),
        ("machine.stolen_cores", 0.04, "the hypervisor took 0.04 of 2 cores"),
        ("machine.memory_stalled_fraction", 0.02, "somebody waited for memory 2 %"),
        ("producer.late_seconds_p99", 0.02, "1 % of updates were made 20 ms late"),
        ("late_polls", 20, "2 % of polls left late"),
        ("bytes.retransmitted", 1, "1 segments were sent again"),
        ("restarts", 2, "the server died and was started again, 2 times"),
        ("responses", {"data": 1, "empty": 0, "error": 3}, "3 requests were refused with an error"),
        ("clock", "user", "arrivals are read from the user-space clock"),
    ],
)
def test_trial_is_doubtful_and_still_valid(path: str, value: Any, doubt: str) -> None:
    found = judged(changed(path, value))

    assert found.valid
    assert 1 == len(found.doubts)
    assert found.doubts[0].startswith(doubt)


@pytest.mark.parametrize(
    ("path", "unchecked"),
    [
        ("load.busiest_utilisation", "the load's CPU time"),
        ("load.waited_seconds", "how long the load waited for a core"),
        ("server.waited_seconds", "how long the server waited for a core"),
        ("server.throttled_seconds", "throttling of the server"),
        ("machine.others_cores", "what other processes used"),
        ("machine.stolen_cores", "what the hypervisor took"),
        ("machine.memory_stalled_fraction", "memory pressure"),
        ("producer.late_seconds_p99", "the producer's lateness"),
        ("bytes.retransmitted", "retransmissions"),
    ],
)
def test_check_that_cannot_be_made_is_named(path: str, unchecked: str) -> None:
    assert Verdict(valid=True, unchecked=[unchecked]) == judged(changed(path, None))


def with_account(**changes: Any) -> Raw:
    return msgspec.structs.replace(STEADY, account=msgspec.structs.replace(STEADY.account, **changes))


def test_load_process_that_was_throttled_most_decides() -> None:
    load = msgspec.structs.replace(GOOD.load, processes=2)
    raw = with_account(processes=[IDLE, IDLE._replace(throttled_seconds=0.5)])

    assert ["the load was throttled 5 % of the time"] == [
        reason.partition(":")[0] for reason in judged(msgspec.structs.replace(GOOD, load=load), raw).reasons
    ]


def test_throttling_is_unchecked_when_one_load_process_does_not_know() -> None:
    raw = with_account(processes=[IDLE._replace(throttled_seconds=None)])

    assert ["throttling of the load"] == judged(raw=raw).unchecked


def test_load_process_that_could_not_sample_itself_is_a_reason() -> None:
    (reason,) = judged(raw=with_account(processes=[])).reasons

    assert reason.startswith("1 load processes were too late to sample themselves")


def test_producer_that_died_is_a_reason_whatever_it_made_afterwards() -> None:
    epochs = [*STEADY.truth.epochs, Made("e2", [1], [WINDOW.from_ns + 5], [0])]
    raw = msgspec.structs.replace(STEADY, truth=msgspec.structs.replace(STEADY.truth, epochs=epochs))

    assert ["the producer died and was started again"] == [
        reason.partition(":")[0] for reason in judged(raw=raw).reasons
    ]


def test_connections_that_broke_are_a_doubt_and_those_that_the_load_cut_are_none() -> None:
    back = msgspec.structs.replace(GOOD.return_seconds, count=5)
    cut = msgspec.structs.replace(GOOD, return_seconds=back, cuts=5)

    assert Verdict(valid=True) == judged(cut)
    assert ["connections broke 2 times, or could not be opened"] == [
        doubt.partition(":")[0] for doubt in judged(msgspec.structs.replace(cut, cuts=3)).doubts
    ]


def test_waiting_that_is_nothing_of_the_window_is_none() -> None:
    server = msgspec.structs.replace(GOOD.server, cpu_seconds=0.001, waited_seconds=0.019)

    assert judged(msgspec.structs.replace(GOOD, server=server)).valid


def test_clock_may_be_set_by_less_than_a_tenth_of_the_median() -> None:
    assert Verdict(valid=True) == judged(changed("machine.clock_stepped_seconds", 0.0007))


@pytest.mark.parametrize(("name", "value"), [("p99", 0.01101), ("p50", 0.01101)])
def test_percentile_needs_three_distinct_updates_beyond_it(name: str, value: float) -> None:
    """Of 100 updates, each heard by 200 clients, 14 lie at 11 ms and two are put beyond."""
    raw = raw_of([*(5 + index % 7 for index in range(98)), 12, 12])

    assert [f"fewer than 3 updates lie beyond {name} (2): a longer window has more"] == judged(
        changed(f"latency_seconds.{name}", value), raw
    ).doubts


@pytest.mark.parametrize(("slope", "way"), [(0.1, "rises"), (-0.05, "falls")])
def test_latency_that_has_not_settled_is_a_doubt(slope: float, way: str) -> None:
    doubts = judged(raw=raw_of([5 + index % 3 + slope * index for index in range(100)])).doubts

    assert any(f"latency {way} by" in doubt for doubt in doubts)


def test_window_of_too_few_updates_is_not_checked_for_a_trend() -> None:
    few = msgspec.structs.replace(
        STEADY, account=AccountRecord(updates={"e": {1: Heard(1, 5, 5, 5)}}, processes=[IDLE])
    )

    assert ["a trend of the latency in the window: some of its tenths have no update"] == judged(raw=few).unchecked


def cell(*, within: bool) -> Cell:
    return Cell("latency_seconds", 2.0, 1.0, 1.0, 0.1, 2.0, 0.02, within)


@pytest.mark.parametrize(
    ("path", "value", "cause"),
    [
        ("late_polls", 0, "nothing else was found that would explain it"),
        ("late_polls", 20, "see the other findings"),
    ],
)
def test_what_theory_does_not_allow_is_a_doubt_for_which_a_reason_is_sought(path: str, value: Any, cause: str) -> None:
    trial = msgspec.structs.replace(changed(path, value), theory=[cell(within=False), cell(within=True)])

    assert f"latency is outside of what theory allows, 2 × the prediction: {cause}" == judged(trial).doubts[-1]


def test_polls_that_are_late_because_the_server_was_made_to_stand_still_are_excused() -> None:
    late = changed("late_polls", 145)
    stalled = msgspec.structs.replace(EXPERIMENT, stall=Stall(lasts_seconds=1.4))

    assert not judged(late).valid
    assert Verdict(valid=True) == judged(late, experiment=stalled)
    assert not judged(changed("late_polls", 200), experiment=stalled).valid
