"""Every reason and doubt by itself, and the trial that has none. tests/race/test_verdicts.py provokes them for real."""

from typing import Any

import msgspec
import pytest

from tests.wirerace.analysis.good import (
    CLIENTS,
    EXPERIMENT,
    GOOD,
    IDLE,
    MADE,
    MEASURED,
    MS,
    SECOND,
    STEADY,
    WINDOW,
    changed,
    judged,
    raw_of,
)
from tests.wirerace.trials import plan_of
from wirerace.account import Spread, Traffic
from wirerace.analysis.conditions import CONDITIONS
from wirerace.analysis.validity.finding import Evidence
from wirerace.analysis.validity.verdict import verdict
from wirerace.experiment.model import Stall, WindowOptions
from wirerace.experiment.parts import Part
from wirerace.experiment.record import Raw
from wirerace.experiment.tcp_diag import Resent
from wirerace.experiment.trial import Cell, Condition, Finding, Kind, Verdict
from wirerace.histogram import Latencies
from wirerace.schedule import Made, Source, Truth


def test_trial_without_a_fault_is_valid_and_everything_was_checked() -> None:
    assert [] == judged().findings


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("load.busiest_utilisation", 0.9, "a load process had work 90 % of the time: a load process that is busy"),
        ("load.waited_seconds", 9.0, "the load had no core 90 % of the time that it wanted one"),
        ("reader_lag_seconds.p99", 0.3, "1 % of readings came 300 ms after their arrival or later"),
        ("server.waited_seconds", 3.0, "the server had no core 75 % of the time"),
        ("server.throttled_seconds", 0.5, "the server was throttled 5 % of the time"),
        ("parts", {"server": Part(2, 0.0)}, "the server died and was started again, 2 times: clients had to come back"),
        ("parts", {"producer": Part(1, 0.0)}, "the producer died and was started again, once: what was due"),
        ("parts", {"link": Part(1, 0.0)}, "the link's proxy died and was started again, once: clients had to"),
        ("parts", {"producer": Part(0, 0.05)}, "the producer was stopped by a signal, for 0.05 s at least"),
        ("parts", {"server": Part(0, 0.05)}, "the server was stopped by a signal, for 0.05 s at least"),
        ("parts", {"load": Part(0, 0.05)}, "the load was stopped by a signal, for 0.05 s at least"),
        ("parts", {"link": Part(0, 0.05)}, "the link's proxy was stopped by a signal, for 0.05 s at least"),
        ("parts", {"wirerace": Part(0, 3.0)}, "wirerace itself stood still, or had other work, for 3 s"),
        ("producer.late_seconds_max", 0.6, "an update was made 600 ms late: the producer stood still"),
        ("reader_lag_seconds.max", 0.6, "something that had arrived was read 600 ms later: the clients stood still"),
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
        ("reader_lag_seconds.p99", 0.06, "1 % of readings came 60 ms after"),
        ("upper_bounds", 300, "1.5 % of arrivals may have been earlier than their stamp"),
        ("machine.others_cores", 0.8, "other processes used 0.80 of 2 cores"),
        ("machine.stolen_cores", 0.04, "the hypervisor took 0.04 of 2 cores"),
        ("machine.memory_stalled_fraction", 0.02, "somebody waited for memory 2 %"),
        ("producer.late_seconds_p99", 0.02, "1 % of updates were made 20 ms late"),
        ("late_polls", 20, "2 % of polls left late"),
        ("parts", {"wirerace": Part(0, 0.6)}, "wirerace itself stood still, or had other work, for 0.6 s"),
        ("producer.late_seconds_max", 0.3, "an update was made 300 ms late"),
        ("reader_lag_seconds.max", 0.3, "something that had arrived was read 300 ms later"),
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
        ("machine.others_cores", "what other processes used"),
        ("machine.stolen_cores", "what the hypervisor took"),
        ("machine.memory_stalled_fraction", "memory pressure"),
        ("producer.late_seconds_p99", "the producer's lateness"),
        ("bytes.retransmitted", "retransmissions"),
    ],
)
def test_check_that_cannot_be_made_is_named(path: str, unchecked: str) -> None:
    assert [Finding("unchecked", unchecked)] == judged(changed(path, None)).findings


def with_account(**changes: Any) -> Raw:
    return msgspec.structs.replace(STEADY, account=msgspec.structs.replace(STEADY.account, **changes))


def test_load_process_that_was_throttled_most_decides() -> None:
    load = msgspec.structs.replace(GOOD.load, processes=2)
    throttled = msgspec.structs.replace(IDLE, throttled_seconds=0.5)
    raw = with_account(processes=[IDLE, throttled], closed_ns=2 * STEADY.account.closed_ns)

    assert ["the load was throttled 5 % of the time"] == [
        reason.partition(":")[0] for reason in judged(msgspec.structs.replace(GOOD, load=load), raw).reasons
    ]


def test_throttling_is_unchecked_when_one_load_process_does_not_know() -> None:
    raw = with_account(processes=[msgspec.structs.replace(IDLE, throttled_seconds=None)])

    assert ["throttling of the load"] == judged(raw=raw).unchecked


def test_load_process_that_could_not_sample_itself_is_a_reason() -> None:
    (reason,) = judged(raw=with_account(processes=[])).reasons

    assert reason.startswith("1 of 1 load processes sampled themselves too late")


def test_producer_that_died_is_a_reason_whatever_it_made_afterwards() -> None:
    epochs = [*STEADY.truth.epochs, Made("e2", [1], [WINDOW.from_ns + 5], [0])]
    raw = msgspec.structs.replace(STEADY, truth=msgspec.structs.replace(STEADY.truth, epochs=epochs))

    assert ["the producer died and was started again"] == [
        reason.partition(":")[0] for reason in judged(raw=raw).reasons
    ]


def returned(*, cuts: int, breaks: int, came_back: int) -> list[str]:
    """Return what the verdict says of connections that were cut or broke."""
    back = msgspec.structs.replace(GOOD.return_seconds, count=came_back)
    found = judged(msgspec.structs.replace(GOOD, return_seconds=back, cuts=cuts, breaks=breaks))
    assert found.valid
    return [doubt.partition(":")[0] for doubt in found.doubts]


def test_connections_that_the_load_cut_and_that_came_back_are_no_doubt() -> None:
    assert [] == returned(cuts=5, breaks=0, came_back=5)


def test_connections_that_broke_are_a_doubt_even_when_as_many_that_were_cut_never_came_back() -> None:
    never = "3 of 8 connections that broke or were cut had not come back at the end"

    assert ["connections broke 3 times"] == returned(cuts=5, breaks=3, came_back=8)
    assert ["connections broke 3 times", never] == returned(cuts=5, breaks=3, came_back=5)
    assert ["5 of 5 connections that broke or were cut had not come back at the end"] == returned(
        cuts=5, breaks=0, came_back=0
    )


def test_waiting_that_is_nothing_of_the_window_is_none() -> None:
    server = msgspec.structs.replace(GOOD.server, cpu_seconds=0.001, waited_seconds=0.019)

    assert judged(msgspec.structs.replace(GOOD, server=server)).valid


def test_clock_may_be_set_by_less_than_a_tenth_of_the_median() -> None:
    assert [] == judged(changed("machine.clock_stepped_seconds", 0.0007)).findings


@pytest.mark.parametrize(
    ("slope", "told"),
    [
        (0.1, "latency rises over the window, from 7.45 ms to 14.4 ms: it has not settled"),
        (-0.05, "latency falls over the window, from 5.28 ms to 1.77 ms: it has not settled"),
    ],
)
def test_latency_that_has_not_settled_is_a_doubt(slope: float, told: str) -> None:
    assert [told] == judged(raw=raw_of([5 + index % 3 + slope * index for index in range(100)])).doubts


def test_window_of_too_few_updates_is_not_checked_for_a_trend() -> None:
    half = {"e": {seq: spread for seq, spread in STEADY.account.updates["e"].items() if seq > 50}}

    assert ["a trend of the latency in the window: some of its tenths have no update"] == judged(
        raw=with_account(updates=half)
    ).unchecked


def off(by: float, kind: Kind = "prediction", *broken: Condition, late_polls: int = 0) -> Verdict:
    """Return the verdict on a mean latency so many times what theory says, 10 ms."""
    cell = Cell("latency_seconds", 0.01 * by, 0.01, 0.01, 0.0, by, 0.002, within=False, kind=kind)
    trial = msgspec.structs.replace(changed("late_polls", late_polls), theory=[cell], conditions=list(broken))
    return judged(trial)


@pytest.mark.parametrize(
    ("late_polls", "cause"),
    [(0, "nothing else was found that would explain it"), (20, "see the other findings")],
)
@pytest.mark.parametrize("kind", ["prediction", "fit"])
def test_what_theory_does_not_allow_is_a_doubt_for_which_a_reason_is_sought(
    late_polls: int, cause: str, kind: Kind
) -> None:
    assert (
        f"latency is outside of what theory allows, 2 × the {kind}: {cause}"
        == off(2, kind, late_polls=late_polls).doubts[-1]
    )


@pytest.mark.parametrize(("by", "valid"), [(4.9, True), (5.1, False), (129, False)])
@pytest.mark.parametrize("late_polls", [0, 20])
def test_deviation_of_a_size_is_a_reason_by_itself(by: float, *, valid: bool, late_polls: int) -> None:
    assert valid is off(by, late_polls=late_polls).valid


def condition(name: str, value: float) -> Condition:
    return Condition(name, value, CONDITIONS[name].most, holds=False)


def test_broken_condition_explains_a_deviation() -> None:
    broken = "polls queue at the server (Nc/T = 0.75) and polls left late (2.5 % of them)"
    because = f"theory does not hold here, because {broken}"

    assert [f"latency is outside of what theory allows, 2 × the prediction: {because}"] == off(
        2, "prediction", condition("poll_load", 0.75), condition("late_polls", 0.025)
    ).doubts


@pytest.mark.parametrize("name", CONDITIONS)
def test_overload_that_was_asked_for_excuses_a_deviation_of_any_size_and_a_disturbance_none(name: str) -> None:
    limit = CONDITIONS[name].excuses

    assert (limit is not None) is off(129, "prediction", condition(name, limit or 1.0)).valid
    assert not off(129, "prediction", condition(name, 0.99 * (limit or 1.0))).valid


def sent_again(resent: Resent | None, *, own: int, namespace: int | None, opened: int = 0) -> Verdict:
    """Return the verdict when clients opened so many connections, and so many segments were sent again."""
    trial = changed("bytes.retransmitted", own)
    counted = msgspec.structs.replace(trial.bytes, namespace_retransmitted=namespace)
    account = msgspec.structs.replace(STEADY.account, traffic=(Traffic(), Traffic(connections=opened)))
    measured = msgspec.structs.replace(MEASURED, resent=resent)
    raw = msgspec.structs.replace(STEADY, account=account, measured=measured)
    return judged(msgspec.structs.replace(trial, bytes=counted), raw)


def test_another_process_that_sends_segments_again_says_nothing_of_the_trial() -> None:
    """Every connection of the trial was asked, and none has sent anything again."""
    assert [] == sent_again(Resent(0, 3, 0), own=0, namespace=5000, opened=3).findings


@pytest.mark.parametrize(
    ("resent", "own", "opened", "others"),
    [
        (None, 0, 0, 5000),  # a server in a container, whose namespace is its own
        (None, 2, 0, 5000),
        (Resent(2, 0, 1), 2, 0, 4998),  # a connection has closed meanwhile
        (Resent(2, 1, 0), 2, 9, 4998),  # connections were opened and have closed meanwhile
    ],
)
def test_segments_sent_again_by_nobody_knows_whom_are_a_doubt_at_most(
    resent: Resent | None, own: int, opened: int, others: int
) -> None:
    found = sent_again(resent, own=own, namespace=5000, opened=opened)

    assert found.valid
    assert f"{others} segments were sent again in the server's network namespace" in found.doubts[-1]


def test_what_a_server_sent_again_is_unchecked_when_nobody_counts_it() -> None:
    assert ["segments that the server sent again"] == sent_again(None, own=0, namespace=None).unchecked
    assert [] == sent_again(None, own=0, namespace=0).findings


def test_ledgers_that_were_closed_before_the_windows_end_are_a_reason() -> None:
    """Somebody else ended the load half a second into the window."""
    (reason,) = judged(raw=with_account(closed_ns=[WINDOW.from_ns + SECOND // 2])).reasons

    assert reason.startswith("1 of 1 load processes closed their ledgers 9.5 s before the window's end")


def test_ledgers_that_were_never_closed_are_a_reason() -> None:
    (reason,) = judged(raw=with_account(closed_ns=[])).reasons

    assert reason.startswith("1 of 1 load processes did not close their ledgers")


def test_theory_that_could_not_be_computed_is_unchecked() -> None:
    assert ["theory: too little was measured to predict from"] == judged(changed("theory", [])).unchecked


def test_polls_that_are_late_because_the_server_was_made_to_stand_still_are_excused() -> None:
    late = changed("late_polls", 145)
    stalled = msgspec.structs.replace(EXPERIMENT, stall=Stall(lasts_seconds=1.4))

    assert not judged(late).valid
    assert [] == judged(late, experiment=stalled).findings
    assert not judged(changed("late_polls", 200), experiment=stalled).valid


def test_record_whose_latencies_are_too_small_is_a_reason() -> None:
    """100 ms too small: nothing arrives before it is made."""
    raw = raw_of([5 - 100 + index % 7 for index in range(100)])

    assert ["an update was received 95 ms before it was made: nothing arrives before it is made"] == [
        reason.partition(",")[0] for reason in judged(raw=raw).reasons
    ]


def test_least_latency_that_is_negative_is_a_reason_although_no_update_tells() -> None:
    latencies = Latencies()
    latencies.record(-MS)

    assert not judged(raw=with_account(latencies=latencies.to_record())).valid


def test_update_received_after_it_was_due_and_before_it_was_made_is_a_reason() -> None:
    """It was made 20 ms late, and received 5 ms after it was due."""
    late = Made("e", list(range(1, 101)), MADE, [20 * MS] + [0] * 99)
    raw = msgspec.structs.replace(STEADY, truth=Truth(100, complete=True, epochs=[late]))

    assert ["an update was received 15 ms before it was made"] == [
        reason.partition(":")[0] for reason in judged(raw=raw).reasons
    ]


def test_latency_is_as_negative_as_the_clock_was_set_and_no_more() -> None:
    raw = raw_of([-0.5, *[5 + index % 7 for index in range(99)]])

    assert judged(changed("machine.clock_stepped_seconds", -0.0007), raw).valid
    assert not judged(raw=raw).valid


@pytest.mark.parametrize(
    ("rate", "warmup_seconds", "found"),
    [
        (0.01, 1.0, "no update was made in the window"),
        (0.1, 9.0, "only 1 update was made in the window"),
    ],
)
def test_nothing_to_measure_is_a_reason_though_it_was_the_schedule(
    rate: float, warmup_seconds: float, found: str
) -> None:
    experiment = msgspec.structs.replace(
        EXPERIMENT,
        producer=Source(rate_per_second=rate, arrivals="periodic"),
        window=WindowOptions(warmup_seconds=warmup_seconds),
    )
    verdict_ = judged(changed("updates", int(found.startswith("only"))), with_account(updates={}), experiment)

    assert [f"{found}: every figure rests on updates"] == verdict_.reasons


def test_few_updates_are_a_doubt() -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(rate_per_second=0.5, arrivals="periodic"))

    assert ["only 5 updates were made in the window: means over so few of them depend on luck"] == judged(
        changed("updates", 5), experiment=experiment
    ).doubts


def test_updates_that_hardly_anybody_received_are_a_reason() -> None:
    found = judged(changed("delivered", 2), with_account(updates={"e": {1: Spread(2, 10, 5, 5)}}))

    assert ["clients received 1 of the window's 100 updates"] == [reason.partition(":")[0] for reason in found.reasons]


def test_trace_that_is_gone_leaves_open_what_was_due() -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(arrivals="trace", trace_file="gone.csv"))

    assert ["what was due: the trace cannot be read again"] == judged(experiment=experiment).unchecked


def test_few_answers_are_a_doubt() -> None:
    trial = msgspec.structs.replace(GOOD, responses={"data": 5, "empty": 1, "error": 0})
    found = verdict(Evidence(EXPERIMENT, plan_of("longpolling"), STEADY, trial))

    assert ["only 6 answers were received in the window"] == [doubt.partition(":")[0] for doubt in found.doubts]


@pytest.mark.parametrize(("aged", "valid"), [(0.9, True), (0.4, False)])
def test_time_without_an_age_is_a_finding(aged: float, *, valid: bool) -> None:
    found = judged(raw=with_account(age_ns=round(CLIENTS * 10 * SECOND * aged)))

    assert valid is found.valid
    assert found.findings[0].what.startswith("clients had no update yet for")


def test_trial_without_a_verdict_is_not_valid() -> None:
    assert not GOOD.is_valid
    assert msgspec.structs.replace(GOOD, verdict=judged()).is_valid
