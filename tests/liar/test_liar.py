"""The load against a server that lies: the ledger must say what was done to it, neither more nor less."""

import pytest
from msgspec.structs import replace

from tests.liar.ages import ages_of
from tests.liar.lying import Outcome, lie_all
from tests.liar.plan import MS, Plan, percentile
from wirerace.transports import TRANSPORTS

US = 1_000
NS = 1e-9
ROUNDING = 1e-9
"""An area is a sum of floats."""
DELAY_NS = 20 * MS
SEEDS = (1, 2)  # each makes up 20 different stories
PUSHED = ("longpolling", "websocket")
ASKED = ("polling", "longpolling")
SPREADING = 3**0.5 - 1
"""Steps of this part of a poll interval reach all phases evenly, and so they do those of the clients: golden steps."""
STALL_NS = 1500 * MS
STALL_GAP_NS = 20 * MS

LIES = Plan(transport="", updates=200, gap_ns=12 * MS, delay_ns=DELAY_NS, interval_seconds=0.05, lies=0.15)
"""Lies of all kinds, to each client in another way."""

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
    """What is coloured by nothing that goes on beside it: counts, and arrivals of what is pushed."""
    lies = [replace(LIES, transport=transport, seed=seed) for transport in TRANSPORTS for seed in SEEDS]
    delays = [replace(DELAY, transport=transport) for transport in PUSHED]
    return lie_all([*lies, *delays], tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="module")
def lied(crowd: list[Outcome]) -> dict[tuple[str, int], Outcome]:
    return {(outcome.plan.transport, outcome.plan.seed): outcome for outcome in crowd if outcome.plan.lies}


@pytest.fixture(scope="module")
def delayed(crowd: list[Outcome], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Polling is alone: polls are to leave on time."""
    polled = lie_all([replace(DELAY, transport="polling")], tmp_path_factory.mktemp("alone"))
    return by_transport([*polled, *(outcome for outcome in crowd if not outcome.plan.lies)])


@pytest.fixture(scope="module")
def stalled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    plans = [replace(STALL, transport=transport) for transport in TRANSPORTS]
    return by_transport(lie_all(plans, tmp_path_factory.mktemp("stalled")))


def by_transport(outcomes: list[Outcome]) -> dict[str, Outcome]:
    return {outcome.plan.transport: outcome for outcome in outcomes}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ledger_counts_every_lie(lied: dict[tuple[str, int], Outcome], transport: str, seed: int) -> None:
    plan, trial, account, *_ = lied[transport, seed]
    planned = plan.counts()

    assert planned == {name: getattr(trial, name) for name in planned}
    assert min(planned.values()) > 100
    assert plan.tellings() == account.received
    assert (planned["lost"], planned["duplicated"]) == (account.missing, account.repeated)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clients_stay_and_give_back_the_cursor_that_they_were_given(
    lied: dict[tuple[str, int], Outcome], transport: str
) -> None:
    for plan, trial, _, record, _ in (lied[transport, seed] for seed in SEEDS):
        assert (plan.clients, plan.clients) == (record.clients, trial.connects)
        assert 0 == record.forgotten


def test_frames_that_came_together_are_flagged_and_answers_never(
    lied: dict[tuple[str, int], Outcome], stalled: dict[str, Outcome]
) -> None:
    for plan, trial, *_ in (*lied.values(), *stalled.values()):
        if plan.transport == "websocket":
            assert plan.bounds() <= trial.upper_bounds <= trial.delivered
        else:
            assert 0 == trial.upper_bounds


@pytest.mark.parametrize("transport", PUSHED)
def test_median_of_what_is_pushed_is_the_delay(delayed: dict[str, Outcome], transport: str) -> None:
    p50 = delayed[transport].trial.latency_seconds.p50

    assert p50 == pytest.approx(DELAY_NS * NS, abs=500 * US * NS)


def test_median_of_what_is_polled_is_the_delay_and_half_an_interval(delayed: dict[str, Outcome]) -> None:
    """Half an interval, and what polls that left at other times than they should make of it on a busy machine."""
    outcome = delayed["polling"]
    wait_ns = outcome.median_wait_ns()

    assert wait_ns == pytest.approx(outcome.plan.interval_seconds / 2 / NS, abs=2 * MS)
    assert outcome.trial.latency_seconds.p50 == pytest.approx((DELAY_NS + wait_ns) * NS, abs=500 * US * NS)


@pytest.mark.parametrize("transport", ASKED)
def test_latency_of_every_answer_lies_between_before_and_after_it_was_sent(
    lied: dict[tuple[str, int], Outcome], delayed: dict[str, Outcome], stalled: dict[str, Outcome], transport: str
) -> None:
    for outcome in (*(lied[transport, seed] for seed in SEEDS), delayed[transport], stalled[transport]):
        heard_of = outcome.account.updates["liar"]
        for seq, done in outcome.done_ns().items():
            least_ns, most_ns = (sum(column) for column in zip(*done, strict=True))
            assert len(done) == heard_of[seq].clients
            assert least_ns <= heard_of[seq].sum_ns <= most_ns


def test_latency_of_every_frame_does_so_too_unless_another_came_with_it(delayed: dict[str, Outcome]) -> None:
    outcome, late = delayed["websocket"], 0
    for seq, done in outcome.done_ns().items():
        heard = outcome.account.updates["liar"][seq]
        least_ns, most_ns = (sum(column) for column in zip(*done, strict=True))
        assert least_ns <= heard.sum_ns
        late += heard.sum_ns > most_ns
    assert late <= outcome.trial.upper_bounds
    assert 0 == outcome.account.unstamped


@pytest.mark.parametrize("transport", ASKED)
def test_age_falls_once_for_each_answer_that_brings_something_newer(
    lied: dict[tuple[str, int], Outcome], delayed: dict[str, Outcome], stalled: dict[str, Outcome], transport: str
) -> None:
    for outcome in (*(lied[transport, seed] for seed in SEEDS), delayed[transport], stalled[transport]):
        ages, account = ages_of(outcome.record, outcome.window), outcome.account
        twice_area = 2 * account.age_area / NS**2
        assert ages.peaks == account.peaks
        assert ages.least_peak_ns <= account.peak_ns <= ages.most_peak_ns
        assert ages.least_area * (1 - ROUNDING) <= twice_area <= ages.most_area * (1 + ROUNDING)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stall_shows_in_full(stalled: dict[str, Outcome], transport: str) -> None:
    outcome = stalled[transport]
    planned_ns, latency = outcome.plan.latencies_ns(), outcome.trial.latency_seconds
    done_ns = [before_ns for done in outcome.done_ns().values() for before_ns, _ in done]
    # Who polls comes within an interval; what is read with an update 20 ms newer has that one's arrival.
    slack_ns = max(outcome.record.late_ns) + 50 * MS

    assert 0 == outcome.trial.lost
    assert latency.max is not None
    assert max(done_ns) * NS <= latency.max
    for percent, measured in ((90, latency.p90), (99, latency.p99), (100, latency.max)):
        assert measured == pytest.approx(percentile(planned_ns, percent) * NS, abs=slack_ns * NS)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stall_delays_as_many_updates_as_were_made_in_it(stalled: dict[str, Outcome], transport: str) -> None:
    plan, _, account, record, _ = stalled[transport]
    half_ns = STALL_NS // 2
    planned = sum(latency_ns > half_ns for latency_ns in plan.latencies_ns()) / plan.clients
    late = sum(heard.least_ns > half_ns for heard in account.updates["liar"].values())

    assert 39 == planned
    assert late == pytest.approx(planned, abs=2 + max(record.late_ns) / plan.gap_ns)


def test_stall_takes_no_poll_away_though_the_polls_own_times_hide_it(stalled: dict[str, Outcome]) -> None:
    plan, trial, *_ = stalled["polling"]
    polls = plan.clients * trial.window_seconds / plan.interval_seconds

    assert polls == pytest.approx(trial.requests, abs=plan.clients)
    assert trial.request_seconds.p99 is not None
    assert trial.latency_seconds.p90 is not None
    assert trial.request_seconds.p99 < 0.1 * STALL_NS * NS < 0.75 * STALL_NS * NS < trial.latency_seconds.p90
