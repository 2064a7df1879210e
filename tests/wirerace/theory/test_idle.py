"""Idle timeouts: how often theory expects a connection to be closed, beside a client that is played."""

from bisect import bisect_right

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.measurements import SECOND, TRUTH, raw_of, recorded
from tests.wirerace.theory.simulated import poisson
from tests.wirerace.trials import plan_of
from wirerace.analysis.measure import figures
from wirerace.analysis.predict import theory_of
from wirerace.analysis.predict_idle import idle_beside
from wirerace.experiment.paths import NetworkPath
from wirerace.theory.idle import Quiet, breaks_of, closed_breaks, quiet_of, return_seconds
from wirerace.workload.schedule import Source

END = 4000.0
TIMEOUT, AWAY = 3.0, 0.25


def breaks(made: list[float], heartbeats: list[float], first: float) -> float:
    """Play a client second by second of events: a byte restarts the timer; a timeout costs the time to return."""
    events = sorted([*made, *heartbeats])
    at, found = events[0], 0
    while at < END:
        last = at
        following = bisect_right(events, at)
        next_byte = events[following] if following < len(events) else END
        timer = last + (first if last in made_set(made) else 0.0) + TIMEOUT
        if timer < min(next_byte, END):
            found += 1
            at = timer + AWAY
            at = min(at, next_byte)
        else:
            at = next_byte
        if next_byte >= END and timer >= END:
            break
    return found


SEEN: dict[int, frozenset[float]] = {}


def made_set(made: list[float]) -> frozenset[float]:
    return SEEN.setdefault(id(made), frozenset(made))


@pytest.mark.long
@pytest.mark.parametrize(("rate", "first"), [(0.1, 0.0), (0.3, 0.2), (1.0, 0.0), (2.0, 0.1)])
def test_breaks_given_the_schedule_and_in_closed_form_are_those_of_a_played_client(rate: float, first: float) -> None:
    made = poisson(rate, END, 3)
    quiet = Quiet(TIMEOUT, first, AWAY)
    played = breaks(made, [], first)

    assert pytest.approx(played, abs=1) == breaks_of(quiet, made, END)
    assert pytest.approx(played / END, rel=0.1) == closed_breaks(quiet, Source(rate_per_second=rate))


@pytest.mark.long
def test_heartbeats_in_time_keep_a_connection_and_rarer_ones_save_some() -> None:
    made = poisson(0.1, END, 3)
    beats = [made[0] + 0.5 + number * 5 for number in range(int(END / 5))]
    never, rare = Quiet(TIMEOUT, 0.0, AWAY, 3.0), Quiet(TIMEOUT, 0.0, AWAY, 5.0)

    assert (0.0, 0.0) == (breaks_of(never, made, END), closed_breaks(never, Source(rate_per_second=0.1)))
    assert pytest.approx(breaks(made, beats, 0.0), rel=0.05) == breaks_of(rare, made, END)
    assert None is closed_breaks(rare, Source(rate_per_second=0.1))


@pytest.mark.parametrize(("period", "each"), [(2.9, 0), (3.1, 1), (6.2, 1), (6.3, 2), (10.0, 3)])
def test_even_updates_have_the_timeouts_that_fit_between_them(period: float, each: int) -> None:
    source = Source(rate_per_second=1 / period, arrivals="periodic")

    assert pytest.approx(each / period) == closed_breaks(Quiet(TIMEOUT, 0.0, AWAY), source)


def test_bursts_have_no_closed_form() -> None:
    assert None is closed_breaks(Quiet(TIMEOUT), Source(rate_per_second=0.1, arrivals="bursty"))


@pytest.mark.parametrize(
    ("transport", "timeout", "expected"),
    [
        ("polling", 5.0, None),
        ("longpolling", 5.0, Quiet(5.0, 0.0, 0.0375, 0.0)),
        ("longpolling", 30.0, Quiet(30.0, 0.0, 0.0375, 25.0)),
        ("sse", 5.0, Quiet(5.0, 0.0, 0.0375, 15.0)),
        ("stream", 60.0, Quiet(60.0, 0.0, 0.0375, 15.0)),
        ("websocket", 5.0, Quiet(5.0, 0.0, 0.0375, 0.0)),
        ("websocket", 1.0, None),
    ],
)
def test_transports_have_their_own_bytes_between_updates(
    transport: str, timeout: float, expected: Quiet | None
) -> None:
    raw = replace(raw_of(), path=NetworkPath(idle_timeout_seconds=timeout))
    plan = plan_of(transport)

    assert (expected and pytest.approx(expected)) == quiet_of(plan, raw, figures(plan, raw))


@pytest.mark.long
def test_breaks_stand_beside_what_was_measured_with_the_time_until_return() -> None:
    path = NetworkPath(0.1, jitter_seconds=0.1, idle_timeout_seconds=5.0)
    closed_ns = TRUTH.epochs[0].ts[-1] + 23 * SECOND
    account = replace(
        raw_of().account, breaks=8, clients=2, most_clients=2, closed_ns=[closed_ns], returning=recorded(SECOND // 2)
    )
    raw, plan = replace(raw_of(), path=path, account=account), plan_of("websocket")
    cells, conditions = idle_beside(plan, raw, figures(plan, raw))
    seconds = (closed_ns - TRUTH.epochs[0].ts[0]) / SECOND

    assert ["breaks_per_client_second", "return_seconds"] == [cell.quantity for cell in cells]
    assert pytest.approx(4 / seconds) == cells[0].measured
    assert pytest.approx(0.0375 + 2 * 0.3) == cells[1].given == return_seconds(path)
    assert ["idle_away"] == [condition.name for condition in conditions]
    assert {"breaks_per_client_second"} < {cell.quantity for cell in theory_of(plan, raw, figures(plan, raw))[0]}
    assert [] == idle_beside(plan, replace(raw, path=NetworkPath(0.1)), figures(plan, raw))[0]
