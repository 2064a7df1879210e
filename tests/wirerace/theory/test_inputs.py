"""The inputs of predictions, measured in the same trial: by the CPU clock and the kernel, or fitted."""

import msgspec
import pytest

from tests.wirerace.analysis.measurements import MEASURED, MS, SECOND, SERVER, TRUTH, WINDOW, raw_of, recorded, working
from tests.wirerace.trials import at_ends, plan_of, plan_with, trial_of
from wirerace.analysis.measure import figures
from wirerace.experiment.paths import NetworkPath
from wirerace.observe.account import Traffic, Window
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.result import Raw
from wirerace.theory import find_theory, longpolling, polling
from wirerace.theory.inputs import read_together, send_seconds_of
from wirerace.theory.link import LinkModel
from wirerace.theory.path import DeliveryPath
from wirerace.theory.websocket import spread_over
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.workload.truth import EpochMade, Truth

TRIP = (Traffic(), Traffic(connections=2, round_trip_us=100))
"""Two connections, 50 µs each."""


def path_of(transport: str, raw: Raw) -> DeliveryPath:
    plan, theory = plan_of(transport), find_theory(transport)
    assert theory is not None
    path = theory.path_of(plan, raw, figures(plan, raw))
    assert path is not None
    return path


def test_path_of_a_poller_is_that_of_the_feed_and_half_a_request() -> None:
    raw = raw_of(answering=recorded(2 * MS, 4 * MS))
    path = polling.path_of(plan_of("polling"), raw, trial_of(plan_of("polling"), WINDOW, raw.account, TRUTH, MEASURED))

    assert path is not None
    assert pytest.approx(0.003 + 0.0015) == path.delay_seconds


def test_handshake_comes_before_the_request_of_a_poller_that_opens_a_connection_each_time() -> None:
    """It takes 2 ms in the mean, so that 4 ms of 6 are the request's."""
    account = {"answering": recorded(5 * MS, 7 * MS), "handshaking": recorded(1 * MS, 3 * MS)}
    raw = msgspec.structs.replace(raw_of(**account), path=NetworkPath(tls=True))
    for keep_alive, request_seconds in ((False, 0.004), (True, 0.006)):
        plan = plan_with("polling", PollingOptions(keep_alive=keep_alive))
        path = polling.path_of(plan, raw, figures(plan, raw))

        assert path is not None
        assert pytest.approx(0.003 + request_seconds / 2) == path.delay_seconds


def test_path_of_push_comes_from_the_servers_cpu_clock_and_the_kernels_round_trip() -> None:
    """An update takes 3.2 ms of the server: 0.2 ms with or without clients, 1 ms for each of three clients."""
    raw = working(raw_of(traffic=TRIP), 49 * 0.0022, 49 * 0.001, idle_utilisation=49 * 0.0002 / 10)
    path = path_of("websocket", raw)

    assert pytest.approx((0.003 + 0.0001 + 0.000025, 0.001)) == (path.delay_seconds, path.send_seconds)
    assert (3, 0.0) == (path.clients, path.fitted_seconds)
    assert pytest.approx(0.0022 / 3) == path.cost_seconds, "without the waiting"


def test_path_of_push_is_no_longer_for_what_a_server_does_beside_updates_that_are_rare() -> None:
    """Three updates a minute: its timers take 0.17 % of a core, which is 34 ms for each update."""
    raw = working(raw_of(traffic=TRIP), 49 * 0.037, idle_utilisation=49 * 0.034 / 10)
    path = path_of("websocket", raw)

    assert pytest.approx((0.003 + 0.00015 + 0.000025, 0.001)) == (path.delay_seconds, path.send_seconds)


@pytest.mark.long
def test_send_is_no_longer_for_the_upkeep_of_connections() -> None:
    """An update takes 3.2 ms of the server: 0.2 ms without clients, three sends of 1 ms. Upkeep takes 5 ms more."""
    raw = raw_of(traffic=TRIP)
    known = working(raw, 49 * 0.0072, 49 * 0.001, 49 * 0.0002 / 10, upkeep_cpu_seconds=49 * 0.005)
    older = working(raw, 49 * 0.0072, 49 * 0.001, 49 * 0.0002 / 10)

    assert pytest.approx(0.001) == path_of("websocket", known).send_seconds
    assert pytest.approx(0.008 / 3) == path_of("websocket", older).send_seconds
    assert path_of("websocket", older).delay_seconds == path_of("websocket", known).delay_seconds


def test_server_that_does_nothing_but_upkeep_has_no_negative_sends() -> None:
    raw = working(raw_of(traffic=TRIP), 49 * 0.001, idle_utilisation=49 * 0.0002 / 10, upkeep_cpu_seconds=49 * 0.0009)

    assert 0.0 == path_of("sse", raw).send_seconds


def test_path_of_push_through_a_link_has_its_delay() -> None:
    raw = msgspec.structs.replace(working(raw_of(), 0.0), path=NetworkPath(0.05))

    assert pytest.approx(0.003 + 0.05) == path_of("websocket", raw).delay_seconds


def test_path_of_push_is_fitted_where_the_server_does_not_report_its_cpu_time() -> None:
    path = path_of("websocket", raw_of(traffic=TRIP))

    assert pytest.approx((0.004, 0.001)) == (path.delay_seconds, path.send_seconds)
    assert pytest.approx(path.push_seconds) == path.fitted_seconds


@pytest.mark.long
def test_path_of_long_polling_has_its_sends_from_the_latencies_and_nothing_else() -> None:
    raw = working(raw_of(repolling=recorded(*[MS] * 10), traffic=TRIP), 0.49)
    path = path_of("longpolling", raw)

    assert pytest.approx((0.003 + 0.000025, 3, 0.001)) == (path.delay_seconds, path.clients, path.send_seconds)
    assert pytest.approx(0.001) == path.fitted_seconds, "two sends, half of which are before the mean"
    assert pytest.approx([0.00105] * 100, rel=1e-3) == list(path.repoll_seconds), "with a round trip of 50 µs"


@pytest.mark.long
def test_server_that_spends_less_with_clients_than_without_has_no_negative_sends() -> None:
    raw = working(raw_of(repolling=recorded(*[MS] * 10)), 0.001, idle_utilisation=0.5)

    assert 0.0 == path_of("websocket", raw).send_seconds
    assert pytest.approx(0.003, abs=0.0001) == path_of("websocket", raw).delay_seconds


def test_polls_that_were_late_and_requests_that_failed_are_conditions() -> None:
    raw = working(
        raw_of(
            answering=recorded(2 * MS), requests=200, late_polls=4, responses={"data": 150, "empty": 40, "error": 10}
        ),
        0.5,
    )
    path = path_of("polling", raw)

    assert pytest.approx((0.0025, 0.02, 0.05)) == (path.cost_seconds, path.late_fraction, path.failed_fraction)


@pytest.mark.parametrize(
    ("count", "seen"),
    [(0, [1, 5, 10, 11, 20]), (1, [1, 5, 11, 11, 20]), (2, [5, 5, 11, 11, 20]), (9, [20, 20, 20, 20, 20])],
)
def test_updates_made_closest_together_are_taken_for_those_read_together(count: int, seen: list[int]) -> None:
    assert seen == read_together([1, 5, 10, 11, 20], Window(0, 100), count)


def linked(raw: Raw) -> Raw:
    return msgspec.structs.replace(raw, path=NetworkPath(0.05))


@pytest.mark.long
def test_gap_through_a_link_is_the_clients_and_a_round_trip_through_it() -> None:
    raw = linked(raw_of(repolling=recorded(*[MS] * 10)))
    trial = figures(plan_of("longpolling"), raw)
    path = longpolling.path_of(plan_of("longpolling"), raw, trial)

    assert path is not None
    assert pytest.approx(0.101, rel=1e-3) == trial.repoll_seconds.mean
    assert pytest.approx(0.101**2, rel=1e-3) == trial.repoll_seconds.square_mean
    assert pytest.approx([0.101] * 100, rel=1e-3) == list(path.repoll_seconds)


@pytest.mark.long
def test_connection_opened_for_every_request_takes_another_round_trip_through_a_link() -> None:
    raw = linked(raw_of(repolling=recorded(*[MS] * 10), answering=recorded(200 * MS)))
    asks = plan_with("polling", PollingOptions(keep_alive=False))
    held = plan_with("longpolling", LongPollingOptions(keep_alive=False))
    path = polling.path_of(asks, raw, figures(asks, raw))

    assert pytest.approx(0.201, rel=1e-3) == figures(held, raw).repoll_seconds.mean
    assert path is not None
    assert pytest.approx(0.003 + 0.05) == path.delay_seconds, "the handshake lies before the server has looked"


@pytest.mark.long
def test_path_of_long_polling_is_measured_on_updates_that_were_awaited() -> None:
    """Every second update comes 20 ms after another one, when everybody is away."""
    made = [90 * SECOND]
    for index in range(1, 25):
        made += [WINDOW.from_ns + index * SECOND // 3, WINDOW.from_ns + index * SECOND // 3 + 20 * MS]
    truth = Truth(len(made), complete=True, epochs=[EpochMade("e", list(range(len(made))), made, [0] * len(made))])
    received = {
        seq: Spread(2, 0, latency * MS, (latency + latency % 50) * MS)
        for seq in range(1, 49)
        for latency in ([50, 130][seq % 2 - 1],)
    }
    account = msgspec.structs.replace(
        raw_of(repolling=recorded(*[MS] * 10)).account,
        updates={"e": SpreadColumns.of(received)},
        delivered=96,
        subscribed=2,
    )
    raw = Raw(WINDOW, account, truth, MEASURED, NetworkPath(0.05))
    path = longpolling.path_of(plan_of("longpolling"), raw, figures(plan_of("longpolling"), raw))

    assert path is not None
    assert 0.05 == path.delay_seconds
    assert 0.0 == path.send_seconds


def test_answers_over_a_narrow_link_are_longer_for_most_updates_than_for_the_age() -> None:
    """Of three updates two are 0.1 s apart, and come in one answer nine times of ten."""
    made = [90 * SECOND, 100 * SECOND, 105 * SECOND, 105 * SECOND + SECOND // 10]
    truth = Truth(4, complete=True, epochs=[EpochMade("e", [1, 2, 3, 4], made, [0] * 4)])
    raw = msgspec.structs.replace(raw_of(), truth=truth)

    found = polling.together_of(plan_with("polling", PollingOptions(interval_seconds=1.0)), raw)
    assert pytest.approx((4.8 / 3, (10 + 5 * 1.9 + 0.1 * 1.9) / 15.1)) == found
    latest = plan_with("polling", PollingOptions(interval_seconds=1.0, deliver="latest"))
    assert (1.0, 1.0) == polling.together_of(latest, raw)


def narrow(raw: Raw, received_bytes: int, sent_bytes: int, cpu_seconds: float | None = None) -> Raw:
    """Return the record of a server that received and sent bytes in the window, over a link of 1 Mbit/s with jitter."""
    before, after = SERVER
    before = msgspec.structs.replace(before, cpu_seconds=None if cpu_seconds is None else 0.0)
    after = msgspec.structs.replace(
        after, received_bytes=received_bytes, sent_bytes=sent_bytes, cpu_seconds=cpu_seconds
    )
    measured = msgspec.structs.replace(MEASURED, server=(before, after))
    path = NetworkPath(0.05, jitter_seconds=0.02, bandwidth_bits_per_second=1e6, buffer_bytes=4096)
    return msgspec.structs.replace(raw, measured=at_ends(WINDOW, measured), path=path)


def test_link_to_clients_that_listen_knows_the_size_of_an_update_from_what_the_server_sent() -> None:
    path = path_of("sse", narrow(raw_of(traffic=TRIP), 0, 147 * 300, 0.1))

    assert LinkModel(0.02, 1e6, 4096, 300.0) == path.link


@pytest.mark.long
def test_gap_over_a_narrow_link_has_the_time_in_which_answer_and_request_leave_and_two_jitters() -> None:
    raw = narrow(raw_of(repolling=recorded(*[MS] * 10), traffic=TRIP, requests=147), 147 * 100, 147 * 400)
    path = path_of("longpolling", raw)
    gaps = sorted(path.repoll_seconds)

    assert pytest.approx(0.001 + 0.00005 + 2 * 0.05 + 0.02 + 8 * 500 / 1e6, rel=1e-3) == sum(gaps) / len(gaps)
    assert pytest.approx(2 * 0.02, rel=0.2) == gaps[-1] - gaps[0]
    assert 0 == path.link.held_bytes


def test_jitter_is_not_taken_for_a_fan_out() -> None:
    spreads = [Spread(9, 0, 0, round(0.8 * 20 * MS))] * 3

    assert 0.0 == send_seconds_of(spreads, 0.02)
    assert pytest.approx(0.002) == send_seconds_of(spreads)


def test_link_spreads_arrivals_more_than_sends_do_and_is_no_part_of_what_is_fitted() -> None:
    fitted = path_of("websocket", narrow(raw_of(traffic=TRIP), 0, 147 * 300))

    assert LinkModel() == fitted.link, "no CPU time is known: the latencies have everything"
    assert 0.0001 == spread_over(LinkModel(0.02), 0.001, 0.0001)
    assert 0.001 == spread_over(LinkModel(), 0.001, 0.0001)
    assert 0.001 == spread_over(LinkModel(0.02), 0.001, None)
