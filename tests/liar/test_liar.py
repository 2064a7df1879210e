"""The load against a server that lies: the ledger must have exactly what the server did."""

from itertools import chain

import pytest
from msgspec.structs import replace

from tests.liar.liar import CLIENTS, EXACT_NS, Polling
from tests.liar.lying import Outcome, lie_all
from tests.liar.plan import MS, Plan, percentile
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

NS = 1e-9
ROUNDING = 1e-9
"""An area is a sum of floats."""
DELAY_NS = 20 * MS
PUSHED = [name for name in TRANSPORTS if not issubclass(CLIENTS[name], Polling)]
"""Transports that send an update when it is made, whether a request is held for it or not."""
ASKED = [name for name in TRANSPORTS if TRANSPORTS[name].asks]
SPREADING = 3**0.5 - 1
"""Steps of this part of a poll interval reach all phases evenly, and so they do those of the clients: golden steps."""
STALL_NS = 1500 * MS
STALL_GAP_NS = 20 * MS

LIES = Plan(transport="", clients=40, updates=200, gap_ns=12 * MS, delay_ns=DELAY_NS, interval_seconds=0.05, lies=0.15)
"""Lies of all kinds, a different story for each client."""

DELAY = Plan(transport="", updates=90, gap_ns=round(SPREADING * 40 * MS), delay_ns=DELAY_NS, interval_seconds=0.04)
"""No lies but the delay."""

STALL = Plan(
    transport="",
    updates=165,
    gap_ns=STALL_GAP_NS,
    delay_ns=DELAY_NS,
    interval_seconds=0.025,
    stall_seq=50,
    stall_turns=STALL_NS // STALL_GAP_NS,
)
"""Less than 1 % of all polls wait through the stall: one of each client."""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Outcomes that other work on the machine does not distort: counts, and arrivals of pushed updates."""
    lies = [replace(LIES, transport=transport) for transport in TRANSPORTS]
    delays = [replace(DELAY, transport=transport) for transport in PUSHED]
    return lie_all([*lies, *delays], tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="module")
def lied(crowd: list[Outcome]) -> dict[str, Outcome]:
    return by_transport([outcome for outcome in crowd if outcome.plan.lies])


@pytest.fixture(scope="module")
def delayed(crowd: list[Outcome], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Polling runs alone, because polls must leave on time."""
    polled = lie_all([replace(DELAY, transport="polling")], tmp_path_factory.mktemp("alone"))
    return by_transport([*polled, *(outcome for outcome in crowd if not outcome.plan.lies)])


@pytest.fixture(scope="module")
def stalled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    plans = [replace(STALL, transport=transport) for transport in TRANSPORTS]
    return by_transport(lie_all(plans, tmp_path_factory.mktemp("stalled")))


def lies_between(low_ns: int, measured: float | None, high_ns: float) -> bool:
    """Return whether a latency in seconds does, given that percentiles keep three digits."""
    return measured is not None and 0.999 * low_ns <= measured / NS <= 1.001 * high_ns


def by_transport(outcomes: list[Outcome]) -> dict[str, Outcome]:
    return {outcome.plan.transport: outcome for outcome in outcomes}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ledger_counts_every_lie(lied: dict[str, Outcome], transport: str) -> None:
    plan, trial, account, *_ = lied[transport]
    planned = plan.counts()

    assert planned == {name: getattr(trial, name) for name in planned}
    assert min(planned.values()) > 100
    assert plan.sends() == account.received
    assert (planned["lost"], planned["duplicated"]) == (account.missing, account.repeated)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clients_stay_and_give_back_the_cursor_that_they_were_given(lied: dict[str, Outcome], transport: str) -> None:
    plan, trial, _, record, _ = lied[transport]
    assert (plan.clients, plan.clients) == (record.clients, trial.connects)
    assert 0 == record.forgotten


def test_frames_that_came_together_are_flagged_and_answers_never(
    lied: dict[str, Outcome], stalled: dict[str, Outcome]
) -> None:
    for plan, trial, *_ in (*lied.values(), *stalled.values()):
        if plan.transport not in ASKED:
            assert plan.bounds() <= trial.upper_bounds <= trial.delivered
        else:
            assert 0 == trial.upper_bounds


@pytest.mark.parametrize("transport", PUSHED)
def test_median_of_what_is_pushed_is_the_delay(delayed: dict[str, Outcome], transport: str) -> None:
    """Plus the machine's time of sending it, by the liar's clock."""
    outcome = delayed[transport]
    low_ns, high_ns = outcome.percentile_ns(50)

    assert low_ns >= DELAY_NS
    assert lies_between(low_ns, outcome.trial.latency_seconds.p50, high_ns)


def test_median_of_what_is_polled_is_the_delay_and_half_an_interval(delayed: dict[str, Outcome]) -> None:
    """Polls that came out of turn on a busy machine are left out."""
    outcome = delayed["polling"]
    late_ns = list(chain(*outcome.late_ns()))
    out_of_turn = sum(late > MS for late in late_ns) / len(late_ns)
    expected_ns, interval_ns = DELAY_NS + outcome.plan.interval_ns / 2, outcome.plan.interval_ns
    low_ns, high_ns = outcome.percentile_ns(50)

    assert lies_between(low_ns, outcome.trial.latency_seconds.p50, high_ns)
    assert low_ns == pytest.approx(expected_ns, abs=MS + out_of_turn * interval_ns)


def test_polls_keep_to_their_grid_from_beginning_to_end(delayed: dict[str, Outcome]) -> None:
    """If each poll came an interval after the last answer, all delays would add up, even in the most punctual one.

    They would not count as late, unlike those that a busy machine delays.
    """
    outcome = delayed["polling"]
    last = [late_ns[-len(late_ns) // 3 :] for late_ns in outcome.late_ns()]
    off_the_grid = [late_ns for late_ns in last if min(late_ns) > outcome.plan.interval_ns / 4]

    assert min(map(len, last)) > 20
    assert sum(map(len, off_the_grid)) / 2 <= outcome.trial.late_polls


@pytest.mark.parametrize("transport", ASKED)
def test_latency_of_every_answer_lies_between_before_and_after_it_was_sent(
    lied: dict[str, Outcome], delayed: dict[str, Outcome], stalled: dict[str, Outcome], transport: str
) -> None:
    for outcome in (lied[transport], delayed[transport], stalled[transport]):
        updates = outcome.account.updates["liar"].by_seq
        for seq, done in outcome.done_ns().items():
            before_ns, after_ns = zip(*done, strict=True)
            assert len(done) == updates[seq].clients
            assert sum(before_ns) <= updates[seq].sum_ns <= sum(after_ns)
            assert min(before_ns) <= updates[seq].least_ns <= min(after_ns)
            assert max(before_ns) <= updates[seq].most_ns <= max(after_ns)


@pytest.mark.parametrize("transport", [name for name in TRANSPORTS if name not in ASKED])
def test_latency_of_every_frame_does_so_too_unless_another_came_with_it(
    delayed: dict[str, Outcome], transport: str
) -> None:
    outcome, late = delayed[transport], 0
    updates = outcome.account.updates["liar"].by_seq
    for seq, done in outcome.done_ns().items():
        update = updates[seq]
        before_ns, after_ns = zip(*done, strict=True)
        assert len(done) == update.clients
        assert sum(before_ns) <= update.sum_ns
        assert min(before_ns) <= update.least_ns
        assert max(before_ns) <= update.most_ns
        late += update.sum_ns > sum(after_ns)
    assert late <= outcome.trial.upper_bounds
    assert 0 == outcome.account.unstamped


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stall_shows_in_full(stalled: dict[str, Outcome], transport: str) -> None:
    outcome = stalled[transport]
    planned_ns, latency = outcome.plan.latencies_ns(), outcome.trial.latency_seconds

    assert 0 == outcome.trial.lost
    for percent, measured in ((90, latency.p90), (99, latency.p99), (100, latency.max)):
        low_ns, high_ns = outcome.percentile_ns(percent)
        assert low_ns >= percentile(planned_ns, percent) - EXACT_NS - STALL_GAP_NS
        assert lies_between(low_ns, measured, high_ns)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stall_delays_as_many_updates_as_were_made_in_it(stalled: dict[str, Outcome], transport: str) -> None:
    outcome = stalled[transport]
    plan, half_ns = outcome.plan, STALL_NS // 2
    planned = sum(latency_ns > half_ns for latency_ns in plan.latencies_ns()) / plan.clients
    late = sum(least_ns > half_ns for least_ns in outcome.account.updates["liar"].least_ns)
    done_ns = [zip(*done, strict=True) for done in outcome.done_ns().values()]
    least_ns = [(min(before_ns), min(after_ns)) for before_ns, after_ns in done_ns]

    assert 39 == planned
    assert planned - EXACT_NS / plan.gap_ns <= sum(before_ns > half_ns for before_ns, _ in least_ns) <= late
    if transport in ASKED:  # an update that is read with a newer one has its stamp
        assert late <= sum(after_ns > half_ns for _, after_ns in least_ns)


def test_stall_takes_no_poll_away_though_the_polls_own_times_hide_it(stalled: dict[str, Outcome]) -> None:
    outcome = stalled["polling"]
    plan, trial = outcome.plan, outcome.trial
    least, most = outcome.unsent()

    assert 2800 == pytest.approx(plan.clients * trial.window_seconds / plan.interval_seconds)
    at_the_ends = 2 * plan.clients  # polls of each client that were due on one side of an end and left on the other
    assert 2800 - most - at_the_ends <= trial.requests <= 2800 - least + at_the_ends
    one_in_a_hundred_waited = trial.request_seconds.count < 100 * plan.clients  # the machine left out the others
    hiding = trial.request_seconds.p50 if one_in_a_hundred_waited else trial.request_seconds.p99
    assert hiding is not None
    assert trial.latency_seconds.p90 is not None
    assert hiding < 0.5 * STALL_NS * NS < 0.75 * STALL_NS * NS < trial.latency_seconds.p90
