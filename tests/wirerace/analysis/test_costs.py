from typing import Any

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.records import (
    MS,
    PLAN,
    WINDOW,
    counters,
    made,
    memory,
    received_by,
    recorded,
    sampled,
    trial_of,
    truth_of,
)
from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT, at, plan_with
from wirerace.analysis.costs import LEAST_CLIENTS_FOR_MEMORY
from wirerace.analysis.measure import figures
from wirerace.experiment.paths import NetworkPath
from wirerace.observe.account import AccountRecord, ProcessUse, Traffic
from wirerace.record.parts import LoadCost
from wirerace.record.result import Raw
from wirerace.record.samples import Memory, ProxyReport, Resent
from wirerace.record.trial import Repolls, Trial
from wirerace.runner.sampling import span_of
from wirerace.transports.polling import PollingOptions


def counted(trial: Trial) -> tuple[int | None, ...]:
    return trial.bytes.payload, trial.bytes.application_in, trial.bytes.application_out, trial.bytes.heartbeat


def test_bytes_and_cpu_are_what_the_counters_grew_by() -> None:
    measured = sampled(counters(1.0, 10, 20, 30, 0), counters(1.5, 110, 220, 330, 40))
    trial = trial_of(AccountRecord(arrived=1000), truth_of(), measured)

    assert (100, 200, 300, 40) == counted(trial)
    assert (0.5, 500.0) == (trial.server.cpu_seconds, trial.server.cpu_us_per_delivery)


@pytest.mark.parametrize(("late_seconds", "is_known"), [(0.49, True), (0.51, False), (3.5, False)])
def test_costs_of_another_interval_than_the_window_are_unknown(late_seconds: float, *, is_known: bool) -> None:
    """In a window of 10 s, a second sample may be half a second late; that of a run that stood still is later."""
    measured = sampled(counters(1.0, 10, 20, 30, 0), counters(1.5, 110, 220, 330, 40))
    assert measured.server is not None
    before, after = measured.server
    late = replace(measured, server=(before, at(after.ended_ns + round(late_seconds * 1e9), after)))
    trial = trial_of(AccountRecord(arrived=1000), truth_of(), late)

    assert [is_known] * 3 == [
        trial.server.cpu_seconds is not None,
        trial.server.cpu_us_per_delivery is not None,
        trial.bytes.application_out is not None,
    ]


@pytest.mark.parametrize("off", ["began_ns", "ended_ns"])
def test_sample_that_took_long_may_be_of_any_instant_meanwhile(off: str) -> None:
    measured = sampled(counters(1.0, 0, 0, 0, 0), counters(1.5, 0, 0, 0, 0))
    assert measured.server is not None
    before, after = measured.server
    long = replace(after, **{off: after.ended_ns + (-1 if off == "began_ns" else 1) * 10**9})

    assert trial_of(AccountRecord(), truth_of(), replace(measured, server=(before, long))).server.cpu_seconds is None


def test_counters_that_began_again_are_another_processes() -> None:
    before, after = counters(5.0, 10, 20, 30, 0), counters(1.0, 110, 220, 330, 40)

    assert after.began_anew_since(before)
    assert span_of(before, after) is None
    assert not before.began_anew_since(before)
    assert (before, before) == span_of(before, before)
    assert not counters(None, 1, 2, 3, 0).began_anew_since(counters(1.0, 1, 2, 3, 0)), "unknown is not smaller"


def test_cpu_per_delivery_is_unknown_when_nothing_arrived() -> None:
    server = trial_of(AccountRecord(), truth_of(), sampled(counters(1.0, 0, 0, 0, 0), counters(1.5, 0, 0, 0, 0))).server

    assert (0.5, None) == (server.cpu_seconds, server.cpu_us_per_delivery)


def test_cpu_is_unknown_where_the_platform_does_not_report_it() -> None:
    measured = sampled(counters(None, 1, 2, 3, 0), counters(None, 2, 3, 4, 0))
    trial = trial_of(AccountRecord(arrived=9), truth_of(), measured)

    assert (None, None) == (trial.server.cpu_seconds, trial.server.cpu_us_per_delivery)
    assert (1, 1, 1, 0) == counted(trial)


def test_server_that_was_restarted_has_neither_bytes_nor_cpu() -> None:
    trial = trial_of(AccountRecord(arrived=9), truth_of(), replace(NOTHING_MEASURED, restarts=1))

    assert (None, None, None, None) == counted(trial)
    assert (None, None) == (trial.server.cpu_seconds, trial.server.cpu_us_per_delivery)


@pytest.mark.parametrize(
    ("clients", "bytes_per_client"), [(LEAST_CLIENTS_FOR_MEMORY, 50.0), (LEAST_CLIENTS_FOR_MEMORY - 1, None)]
)
def test_memory_per_client_is_known_for_enough_clients_only(clients: int, bytes_per_client: float | None) -> None:
    measured = replace(NOTHING_MEASURED, idle=memory(1_000, 5), full=memory(11_000, 7), clients_measured=clients)
    server = trial_of(AccountRecord(), truth_of(), measured).server

    assert (1_000, 11_000, bytes_per_client) == (server.user_bytes_idle, server.user_bytes, server.bytes_per_client)
    assert (5, 7) == (server.socket_bytes_idle, server.socket_bytes), "the kernel's is a figure of its own"


@pytest.mark.parametrize(("after", "each"), [(memory(21_000, 9), 100.0), (memory(None, 9), None), (None, None)])
def test_memory_after_the_window_is_compared_with_that_without_clients(
    after: Memory | None, each: float | None
) -> None:
    measured = replace(
        NOTHING_MEASURED, idle=memory(1_000, 5), full=memory(11_000, 7), clients_measured=200, after=after
    )
    server = trial_of(AccountRecord(), truth_of(), measured).server

    assert (after.user_bytes if after else None, each) == (server.user_bytes_after, server.bytes_per_client_after)


@pytest.mark.parametrize(
    ("kernel_of", "delay", "each"), [("machine", 0.0, 4000), ("machine", 0.05, 2000), ("container", 0.0, 8000)]
)
def test_slab_per_client_is_that_of_its_socket_at_the_server(kernel_of: Any, delay: float, each: float) -> None:
    """Machine-wide it includes both ends, and both of a path's proxy: all sockets take the same memory."""
    idle, full = (
        replace(memory(None, 5000 * count), slab_bytes=1_000_000 + 8000 * count, kernel_of=kernel_of)
        for count in (0, 200)
    )
    measured = replace(NOTHING_MEASURED, idle=idle, full=full, clients_measured=200)
    server = figures(PLAN, Raw(WINDOW, AccountRecord(), truth_of(), measured, NetworkPath(delay))).server

    assert (1_000_000, 2_600_000, each) == (server.slab_bytes_idle, server.slab_bytes, server.slab_bytes_per_client)
    assert 5000 == server.socket_bytes_per_client, "of both ends: in which one bytes wait, nobody knows"


def test_clients_that_share_connections_share_their_sockets() -> None:
    idle, full = (replace(memory(None), slab_bytes=8000 * count, kernel_of="machine") for count in (0, 200))
    measured = replace(NOTHING_MEASURED, idle=idle, full=full, clients_measured=200)
    path = NetworkPath(proxy="nginx", http=2, streams_per_connection=50)
    server = figures(PLAN, Raw(WINDOW, AccountRecord(), truth_of(), measured, path)).server
    assert 8000 / (2 / 50) == server.slab_bytes_per_client


def test_slab_per_client_is_unknown_where_the_kernel_does_not_report_it_and_with_few_clients() -> None:
    known, unknown = replace(memory(1), slab_bytes=5), memory(1)
    few = replace(NOTHING_MEASURED, idle=known, full=known, clients_measured=LEAST_CLIENTS_FOR_MEMORY - 1)

    assert trial_of(AccountRecord(), truth_of(), few).server.slab_bytes_per_client is None
    for idle, full in ((known, unknown), (unknown, known)):
        measured = replace(NOTHING_MEASURED, idle=idle, full=full)
        assert trial_of(AccountRecord(), truth_of(), measured).server.slab_bytes_per_client is None


def test_fewest_clients_for_memory_are_those_of_the_design() -> None:
    assert 200 == LEAST_CLIENTS_FOR_MEMORY


@pytest.mark.parametrize(("idle", "full"), [(None, 11_000), (1_000, None)])
def test_memory_per_client_is_unknown_when_either_end_is(idle: int | None, full: int | None) -> None:
    measured = replace(NOTHING_MEASURED, idle=memory(idle), full=memory(full))

    assert trial_of(AccountRecord(), truth_of(), measured).server.bytes_per_client is None


def test_load_of_one_is_one_core_for_each_process() -> None:
    processes = [ProcessUse(0, 10**10, 1, 0.5, 0.0), ProcessUse(0, 10**10, 4, 1.5, 2.0)]
    measured = replace(NOTHING_MEASURED, load_processes=2, load_cores=2)

    assert (
        LoadCost(5, 0.25, 0.55, 2.0, 2.0, 2) == trial_of(AccountRecord(processes=processes), truth_of(), measured).load
    )


def test_load_is_unknown_when_a_process_has_not_reported() -> None:
    account = AccountRecord(processes=[ProcessUse(0, 10**10, 1, None, None)])

    assert LoadCost(1, 0.1, 0.1, None, None, 1) == trial_of(account, truth_of()).load
    assert LoadCost(None, None, None, None, None, 1) == trial_of(AccountRecord(), truth_of()).load


def test_ip_bytes_are_payload_headers_and_what_a_handshake_has_more() -> None:
    """Segments have 52 bytes of headers, a SYN has 8 more. Bytes that clients send are those that come in."""
    before = Traffic(1000, 2000, 10, 20, 1, 5, 50)
    after = Traffic(1100, 2300, 12, 24, 4, 6, 60)
    found = trial_of(AccountRecord(traffic=(before, after)), truth_of()).bytes

    assert (100 + 2 * 52 + 8, 300 + 4 * 52 + 8) == (found.ip_in, found.ip_out)
    assert (2, 4, 3) == (found.segments_in, found.segments_out, found.retransmitted)


@pytest.mark.parametrize(("resent", "again"), [(None, 3), (Resent(4, 0, 0), 7)])
def test_segments_sent_again_are_those_of_the_trials_connections_and_not_of_the_namespace(
    resent: Resent | None, again: int
) -> None:
    """Clients have sent 3 again, and the namespace 5, from any connection."""
    account = AccountRecord(traffic=(Traffic(connections=5), Traffic(retransmitted=3, connections=5)))
    measured = sampled(replace(NOTHING_SPENT, retransmitted=7), replace(NOTHING_SPENT, retransmitted=12))
    found = trial_of(account, truth_of(), replace(measured, resent=resent)).bytes

    assert (again, 5) == (found.retransmitted, found.namespace_retransmitted)


def test_ip_bytes_are_unknown_where_no_connection_was_counted() -> None:
    found = trial_of(AccountRecord(), truth_of()).bytes

    assert (None, None, None) == (found.ip_in, found.segments_out, found.retransmitted)


@pytest.mark.long
def test_repoll_gap_is_what_the_client_saw_and_a_round_trip() -> None:
    account = AccountRecord(repolling=recorded([1 * MS, 3 * MS]), traffic=(Traffic(), Traffic(0, 0, 0, 0, 0, 4, 4000)))
    found = trial_of(account, truth_of()).repoll_seconds

    assert pytest.approx((2, 0.003, 0.004), rel=1e-3) == (found.count, found.mean, found.p99)
    assert pytest.approx((0.002**2 + 0.004**2) / 2, rel=2e-3) == found.square_mean


@pytest.mark.long
@pytest.mark.parametrize(("keep_alive", "trips"), [(True, 1), (False, 2)])
def test_repoll_gap_over_a_path_is_longer_by_its_round_trips(trips: int, *, keep_alive: bool) -> None:
    """The path is 20 ms longer in each direction. One gap in a hundred is 50 ms."""
    account = AccountRecord(repolling=recorded([1 * MS] * 99 + [50 * MS]))
    plan = plan_with("polling", PollingOptions(keep_alive=keep_alive))
    found = figures(plan, Raw(WINDOW, account, truth_of(), NOTHING_MEASURED, path=NetworkPath(0.02))).repoll_seconds

    assert pytest.approx((0.00149 + trips * 0.04, 0.001 + trips * 0.04), rel=1e-3) == (found.mean, found.p99)


def test_repoll_gap_is_unknown_where_nobody_polled_again() -> None:
    assert Repolls(0, None, None, None) == trial_of(AccountRecord(), truth_of()).repoll_seconds


def test_parts_of_latency_add_up() -> None:
    """Made 1 ms late, 3 ms after the intended time at the server: 2 ms of feed; the rest of 10 ms is the delivery's."""
    before = replace(NOTHING_SPENT, feed_seconds=0.5, feed_updates=9)
    server = (before, replace(before, feed_seconds=0.5 + 0.003 * 2, feed_updates=9 + 2))
    account = received_by(5, 10, 10)
    found = trial_of(account, truth_of(made(11, 12, late_ns=MS)), sampled(*server)).latency_parts_seconds

    assert pytest.approx((0.001, 0.002, 0.007)) == (found.producer, found.feed, found.delivery)


def test_reader_of_the_parts_of_latency_is_the_mean_lag_of_reading() -> None:
    found = trial_of(AccountRecord(reading=recorded([1 * MS, 3 * MS])), truth_of()).latency_parts_seconds

    assert pytest.approx(0.002) == found.reader


def test_feed_is_unknown_when_the_server_received_no_update() -> None:
    account, truth = received_by(5, 10), truth_of(made(11, late_ns=MS))
    found = trial_of(account, truth, sampled(NOTHING_SPENT, NOTHING_SPENT)).latency_parts_seconds

    assert (0.001, None, None) == (found.producer, found.feed, found.delivery)


def test_proxy_is_what_it_reported_of_the_window() -> None:
    report = ProxyReport(
        began_ns=WINDOW.from_ns, ended_ns=WINDOW.to_ns, cpu_seconds=2.5, late=recorded([1 * MS, 3 * MS])
    )
    measured = replace(NOTHING_MEASURED, proxy=report, proxy_core=1, proxy_shares_core=True)
    found = trial_of(AccountRecord(), truth_of(), measured).proxy

    assert found is not None
    assert (1, True, 2.5, 0.25) == (found.core, found.shares_core, found.cpu_seconds, found.utilisation)
    assert (2, 0.002, 0.003) == (found.late_seconds.count, found.late_seconds.mean, found.late_seconds.max)
    assert trial_of(AccountRecord(), truth_of()).proxy is None


def test_parts_of_latency_are_unknown_when_the_server_was_restarted() -> None:
    found = trial_of(received_by(5, 10), truth_of(made(11, late_ns=MS))).latency_parts_seconds

    assert (0.001, None, None) == (found.producer, found.feed, found.delivery)


@pytest.mark.parametrize(
    ("account", "clock"),
    [
        (AccountRecord(reading=recorded([5])), "kernel"),
        (AccountRecord(reading=recorded([5]), unstamped=3), "kernel"),
        (AccountRecord(unstamped=3), "user"),
    ],
)
def test_clock_is_the_kernels_unless_it_never_stamped(account: AccountRecord, clock: str) -> None:
    assert clock == trial_of(account, truth_of()).clock


def test_what_others_took_is_what_was_busy_and_not_our_own() -> None:
    before, after = NOTHING_MEASURED.machine
    machine = (
        replace(before, busy_seconds=100, own_seconds=40, stolen_seconds=1, memory_stalled_seconds=2, offset_ns=500),
        replace(after, busy_seconds=115, own_seconds=48, stolen_seconds=3, memory_stalled_seconds=2.5, offset_ns=700),
    )
    found = trial_of(AccountRecord(), truth_of(), replace(NOTHING_MEASURED, machine=machine)).machine

    assert pytest.approx((0.7, 0.2, 0.05)) == (found.others_cores, found.stolen_cores, found.memory_stalled_fraction)
    assert pytest.approx(200e-9) == found.clock_stepped_seconds
