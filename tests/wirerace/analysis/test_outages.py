"""What each fault did, from a raw record: availability, recovery, and what was lost, came again or came late."""

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import CLIENTS, EXPERIMENT, MADE, MS, SECOND, STEADY, WINDOW
from tests.wirerace.trials import plan_of
from wirerace.analysis.measure import figures
from wirerace.analysis.outages import MadeInTrial, Stale, availability_of, ledgered, outcomes_of, recovery_times, worst
from wirerace.experiment.faults import AvailabilityOptions, Fault
from wirerace.experiment.model import Clients, Experiment
from wirerace.experiment.plans import Plan
from wirerace.observe.account import Window
from wirerace.observe.histogram import Latencies
from wirerace.observe.outages import OutageRecord, Recovering
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.faults import BeforeFaults, FaultTime
from wirerace.record.result import Raw

KILL = Fault(kind="kill", on="server", at_seconds=2.0)
CUT = Fault(kind="cut", on="clients", at_seconds=6.0, jitter_seconds=1.0)
TIMES = [
    FaultTime(0, WINDOW.from_ns + 2 * SECOND, WINDOW.from_ns + 2 * SECOND, WINDOW.from_ns + 2 * SECOND + MS),
    FaultTime(1, WINDOW.from_ns + 6 * SECOND, WINDOW.from_ns + 6 * SECOND, WINDOW.from_ns + 6 * SECOND + MS, 200),
]
FAULTY = replace(EXPERIMENT, faults=[KILL, CUT])
STEP = 10 * MS


def recovering(*seconds: float, clients: int = 0) -> Recovering:
    latencies = Latencies()
    for one in seconds:
        latencies.record(round(one * SECOND))
    return Recovering(clients or len(seconds), latencies.to_record())


def raw_with(faults: list[FaultTime], **of_account: object) -> Raw:
    account = replace(STEADY.account, **of_account)
    return replace(STEADY, account=account, faults=faults)


def outages(**changes: object) -> OutageRecord:
    return replace(OutageRecord(step_ns=STEP), **changes)


def plan(experiment: Experiment = FAULTY) -> Plan:
    return plan_of("websocket", experiment=experiment)


def test_trial_without_faults_has_neither_availability_nor_outcomes() -> None:
    trial = figures(plan_of("websocket", experiment=EXPERIMENT), STEADY)
    assert (None, []) == (trial.availability, trial.faults)


def test_availability_is_the_share_of_client_time_without_stale_clients() -> None:
    """100 of 200 clients are stale from 3 to 5 s: half of them for half of the time until the next fault."""
    stale = {300: 100, 500: -100}
    raw = raw_with(TIMES, outages=outages(stale_ns=100 * 2 * SECOND, stale=stale))
    found = availability_of(plan(), raw)
    assert found is not None
    assert pytest.approx(0.9) == found.fraction
    assert [pytest.approx(0.75), 1.0] == [one.availability for one in outcomes_of(plan(), raw)]


def test_clients_that_are_stale_at_a_fault_still_count_in_it() -> None:
    stale = Stale(outages(stale={0: 3, 500: -2, 700: -1}))
    assert 3 * 5 * SECOND + 2 * SECOND == stale.client_ns(0, 10 * SECOND)
    assert 2 * SECOND + SECOND // 2 == 3 * SECOND // 2 + SECOND == stale.client_ns(round(4.5 * SECOND), 6 * SECOND)
    assert 0 == stale.client_ns(8 * SECOND, 9 * SECOND)
    assert 0 == Stale(outages()).client_ns(0, SECOND)


def test_availability_of_a_span_is_unknown_when_clients_come_and_go() -> None:
    changing = replace(FAULTY, clients=Clients(count=CLIENTS, shape="spike"))
    assert [None, None] == [one.availability for one in outcomes_of(plan(changing), raw_with(TIMES))]


def test_recovery_is_the_longest_of_the_clients_and_of_99_percent() -> None:
    times = recovery_times(recovering(*(0.01 * number for number in range(1, 101))))
    assert 100 == times.count
    assert [0.505, 0.5, 0.99, 1.0] == pytest.approx([times.mean, times.p50, times.p99, times.max], rel=0.01)


@pytest.mark.parametrize(("back", "known"), [(100, (True, True)), (99, (True, False)), (98, (False, False))])
def test_recovery_is_unknown_where_clients_never_came_back(back: int, known: tuple[bool, bool]) -> None:
    times = recovery_times(recovering(*(0.01 for _ in range(back)), clients=100))
    assert known == (times.p99 is not None, times.max is not None)
    assert back == times.count


def test_updates_are_counted_for_the_fault_that_could_touch_them() -> None:
    """From the bound of a second before a fault to the same before the next one; nothing counts twice."""
    at = [WINDOW.from_ns + round(seconds * SECOND) for seconds in (0.9, 1.0, 4.9, 5.0, 9.9)]
    record = outages(late=dict(zip(at, (1, 2, 4, 8, 16), strict=True)), repeated={at[1]: 3, at[4]: 5})
    raw = raw_with(TIMES, outages=record)
    found = availability_of(plan(), raw)
    assert found is not None
    assert (31, BeforeFaults(0, 0, 1)) == (found.late, found.before)
    assert [(3, 6), (5, 24)] == [(one.duplicated, one.late) for one in outcomes_of(plan(), raw)]


def test_wider_bound_reaches_further_back() -> None:
    wide = replace(FAULTY, availability=AvailabilityOptions(age_seconds=2.0))
    raw = raw_with(TIMES, outages=outages(late={WINDOW.from_ns + SECOND // 2: 7}))
    assert [7, 0] == [one.late for one in outcomes_of(plan(wide), raw)]


def test_losses_are_those_of_the_updates_made_in_the_span_and_add_up() -> None:
    """Updates 5, 15 and 80 of a hundred, ten a second, lack at 1, 2 and 4 clients."""
    lacking = {5: 1, 15: 2, 80: 4}
    spreads = {
        seq: Spread(spread.clients - lacking.get(seq, 0), spread.sum_ns, spread.least_ns, spread.most_ns)
        for seq, spread in STEADY.account.updates["e"].by_seq.items()
    }
    raw = raw_with(TIMES, updates={"e": SpreadColumns.of(spreads)}, delivered=CLIENTS * len(MADE) - 7)
    trial = figures(plan(), raw)
    assert trial.availability is not None
    assert (1, [2, 4]) == (trial.availability.before.lost, [one.lost for one in trial.faults])
    assert 7 == trial.lost


def test_loss_is_unknown_of_a_part_where_updates_are_superseded() -> None:
    latest = plan()
    options = replace(latest.options, deliver="latest")
    latest = latest._replace(contestant=replace(latest.contestant, options=options))
    assert ledgered(latest, raw_with(TIMES), WINDOW, MadeInTrial(raw_with(TIMES))).lost is None
    assert (0, 0, 0) == ledgered(latest, raw_with(TIMES), Window(5, 5), MadeInTrial(raw_with(TIMES)))


def test_recovery_is_expected_from_what_was_made_and_from_the_first_that_was_back() -> None:
    """The first update after the kill is made 0.1 s after it, and the first client is back after 0.5 s."""
    both = {0: recovering(0.5, 0.6), 1: recovering(0.2, 0.9)}
    kill, cut = outcomes_of(plan(), raw_with(TIMES, outages=outages(recovering=both)))
    assert kill.expected_seconds is not None
    assert cut.expected_seconds is not None
    bounds = cut.expected_seconds
    assert [0.1, 0.505, 1.0] == pytest.approx([bounds.least, bounds.mean, bounds.most], rel=0.05)
    assert ("prediction", "fit") == (bounds.kind, kill.expected_seconds.kind)
    assert pytest.approx(0.1) == kill.expected_seconds.least
    assert 0.5 < (kill.expected_seconds.mean or 0) < (kill.expected_seconds.most or 0) < 1.4


def test_usual_connection_counts_and_not_the_crowd_at_the_start() -> None:
    connecting = recovering(0.01, 0.01, 9.0).times
    *_, cut = outcomes_of(plan(), raw_with(TIMES, connecting=connecting))
    assert cut.expected_seconds is not None
    assert pytest.approx(1.01, rel=0.01) == cut.expected_seconds.most


def test_nothing_is_expected_where_nothing_was_made_afterwards() -> None:
    at_end = [FaultTime(0, WINDOW.to_ns - 1, WINDOW.to_ns, WINDOW.to_ns)]
    (outcome,) = outcomes_of(plan(), raw_with(at_end))
    assert (None, 0, None) == (outcome.expected_seconds, outcome.clients, outcome.recover_seconds.max)


def test_worst_recovery_is_unknown_if_one_is() -> None:
    known = raw_with(TIMES, outages=outages(recovering={0: recovering(0.5), 1: recovering(0.9)}))
    unknown = raw_with(TIMES, outages=outages(recovering={0: recovering(0.5)}))
    assert pytest.approx(0.9) == worst(outcomes_of(plan(), known), "max")
    assert worst(outcomes_of(plan(), unknown), "max") is None
    assert worst([], "max") is None
