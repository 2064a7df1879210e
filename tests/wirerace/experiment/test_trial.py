import pytest

from tests.wirerace.trials import NOTHING_MEASURED, plan_of
from wirerace.account import AccountRecord, Outcome, Subscription, Window
from wirerace.errors import TrialFailed
from wirerace.experiment.record import Bytes, LoadCost, Raw, Trial
from wirerace.experiment.trial import LEAST_CLIENTS_FOR_MEMORY, Measured, ServerSample, figures
from wirerace.histogram import Latencies, LatenciesRecord
from wirerace.schedule import Made, Truth
from wirerace.wire import Cursor

PLAN = plan_of("polling", 2, 7)
WINDOW = Window(10_000_000_000, 20_000_000_000)
MS = 1_000_000


def made(*at_seconds: float, epoch: str = "e0", late_ns: int = 0) -> Made:
    ts = [round(at * 1e9) for at in at_seconds]
    return Made(epoch, list(range(1, len(ts) + 1)), ts, [late_ns] * len(ts))


def part(epoch: str, seq: int, last_epoch: str = "", last_seq: int = 0, left_seconds: float = 0) -> Subscription:
    """Return a subscription after (epoch, seq); with a last, of a client that left then."""
    if not last_epoch:
        return Subscription(Cursor(epoch, seq))
    return Subscription(Cursor(epoch, seq), Cursor(last_epoch, last_seq), round(left_seconds * 1e9))


def truth_of(*epochs: Made, complete: bool = True) -> Truth:
    return Truth(sum(len(epoch.ts) for epoch in epochs), complete, list(epochs))


def trial_of(account: AccountRecord, truth: Truth, measured: Measured = NOTHING_MEASURED) -> Trial:
    return figures(PLAN, Raw(WINDOW, account, truth), measured)


def recorded(latencies_ns: list[int]) -> LatenciesRecord:
    latencies = Latencies()
    for latency_ns in latencies_ns:
        latencies.record(latency_ns)
    return latencies.to_record()


def heard(clients: int, *latencies: int, unit_ns: int = MS) -> AccountRecord:
    """Return the account of updates that all clients heard, each with one latency."""
    return AccountRecord(
        delivered=clients * len(latencies),
        subscribed=clients,
        latencies=recorded([latency * unit_ns for latency in latencies for _ in range(clients)]),
        updates={"e0": {seq: (clients, latency * unit_ns) for seq, latency in enumerate(latencies, 1)}},
    )


def sampled(before: ServerSample, after: ServerSample) -> Measured:
    return NOTHING_MEASURED._replace(server=(before, after))


def test_trial_names_what_was_run() -> None:
    trial = trial_of(AccountRecord(most_clients=3), truth_of())

    assert ("polling", 2, 7, 3, 10.0) == (
        trial.transport,
        trial.repeat,
        trial.seed,
        trial.clients,
        trial.window_seconds,
    )


def test_every_client_of_the_whole_window_is_expected_to_get_every_update_made_in_it() -> None:
    trial = trial_of(AccountRecord(subscribed=3, delivered=9), truth_of(made(9.999, 10, 15, 19.999, 20)))

    assert (3, 9, 9, 0, 1.0) == (trial.updates, trial.expected, trial.delivered, trial.lost, trial.reach)


def test_client_of_a_part_is_expected_to_get_what_was_made_between_its_cursors() -> None:
    partly = [part("e0", 2, "e0", 4), part("e0", 0, "e0", 2), part("e0", 4), part("e0", 5), part("e0", 0, "e0", 1)]
    account = AccountRecord(subscribed=1, partly=partly)

    trial = trial_of(account, truth_of(made(9, 10, 12, 15, 18, 25)))

    assert 4 + 2 + 1 + 1 + 0 + 0 == trial.expected


def test_client_that_leaves_is_expected_to_have_what_was_older_than_its_pause_and_a_second() -> None:
    """A server that gave it nothing at all does not get away with it. The plan's poll interval is 1 s."""
    truth = truth_of(made(11, 12, 13, 14), made(15, 16, epoch="e1"))
    account = AccountRecord(partly=[part("e0", 1, "e0", 1, left_seconds=left) for left in (14.9, 15.1, 17.5, 19)])

    assert 1 + 2 + 4 + 5 == trial_of(account, truth).expected


def test_clients_alike_are_expected_to_get_the_same() -> None:
    account = AccountRecord(partly=[part("e0", 1), part("e0", 2), part("e0", 1)])

    assert 3 + 2 + 3 == trial_of(account, truth_of(made(11, 12, 13, 14))).expected


def test_client_that_leaves_in_a_later_epoch_is_expected_to_get_all_up_to_there() -> None:
    truth = truth_of(made(11, 12), made(13, 14, 15, epoch="e1"), made(16, epoch="e2"))
    account = AccountRecord(partly=[part("e0", 1, "e1", 2)])

    assert 1 + 2 == trial_of(account, truth).expected


def test_client_of_an_earlier_epoch_is_expected_to_get_all_later_epochs() -> None:
    truth = truth_of(made(11, 12), made(13, 14, 15, epoch="e1"), made(16, epoch="e2"))
    expected = {("e0", 1): 1 + 3 + 1, ("e1", 2): 1 + 1, ("e2", 1): 0, ("unknown", 9): 2 + 3 + 1}
    for (epoch, seq), count in expected.items():
        account = AccountRecord(partly=[part(epoch, seq)])
        assert count == trial_of(account, truth).expected


def test_updates_of_all_epochs_are_expected() -> None:
    truth = truth_of(made(11, 12), made(13, 14, 15, epoch="e1"))

    assert (5, 10) == (
        trial_of(AccountRecord(subscribed=2), truth).updates,
        trial_of(AccountRecord(subscribed=2), truth).expected,
    )


def test_what_was_expected_and_not_delivered_is_lost() -> None:
    trial = trial_of(AccountRecord(subscribed=4, delivered=7), truth_of(made(11, 12)))

    assert (8, 1, 7 / 8) == (trial.expected, trial.lost, trial.reach)


def test_reach_is_unknown_when_nothing_was_expected() -> None:
    trial = trial_of(AccountRecord(subscribed=4), truth_of(made(9)))

    assert (0, 0, None) == (trial.expected, trial.lost, trial.reach)


def test_record_that_does_not_reach_back_fails_the_trial() -> None:
    with pytest.raises(TrialFailed, match="does not reach back"):
        trial_of(AccountRecord(), truth_of(made(11), complete=False))


def test_deliveries_that_the_producer_never_made_fail_the_trial() -> None:
    with pytest.raises(TrialFailed, match="clients hold 2 updates that the producer never made"):
        trial_of(AccountRecord(subscribed=1, delivered=3), truth_of(made(11)))


def test_percentile_is_known_as_long_as_an_update_lies_beyond_it() -> None:
    latency = trial_of(heard(100, 10, 20, 30, 40), truth_of(made(11, 12, 13, 14))).latency_seconds

    assert pytest.approx(0.020, rel=1e-3) == latency.p50
    assert [None, None, None] == [latency.p90, latency.p99, latency.p999]
    assert pytest.approx((0.025, 0.040)) == (latency.mean, latency.max)


def test_percentile_hangs_on_updates_and_not_on_how_many_clients_hear_them() -> None:
    few, many = (trial_of(heard(clients, 10, 20), truth_of(made(11, 12))).latency_seconds for clients in (1, 1000))

    assert [None, None] == [few.p99, many.p99]


def test_percentile_that_is_the_worst_of_all_has_nothing_beyond_it() -> None:
    latency = trial_of(heard(1, 100, 200, unit_ns=1), truth_of(made(11, 12))).latency_seconds

    assert [100 / 1e9, None] == [latency.p50, latency.p90]


def test_every_percentile_is_known_with_enough_updates() -> None:
    times = [10 + index / 200 for index in range(2000)]
    latency = trial_of(heard(1, *range(1, 2001)), truth_of(made(*times))).latency_seconds

    assert pytest.approx((1.0, 1.8, 1.98, 1.998), rel=2e-3) == (latency.p50, latency.p90, latency.p99, latency.p999)


def test_latency_and_age_are_unknown_when_nothing_came() -> None:
    trial = trial_of(AccountRecord(subscribed=1), truth_of(made(11)))

    assert (None, None, None) == (trial.latency_seconds.mean, trial.latency_seconds.p50, trial.latency_seconds.max)
    assert (None, None, None) == (trial.age_seconds.mean, trial.age_seconds.peak_mean, trial.connect_seconds.mean)


def test_mean_age_is_the_area_over_the_time_and_peaks_are_averaged() -> None:
    account = AccountRecord(age_area=6.0, age_ns=4_000_000_000, peak_ns=9_000_000_000, peaks=6)
    age = trial_of(account, truth_of()).age_seconds

    assert (1.5, 1.5) == (age.mean, age.peak_mean)


def test_connecting_has_mean_and_percentile() -> None:
    connecting = trial_of(AccountRecord(connecting=recorded([2 * MS, 4 * MS])), truth_of()).connect_seconds

    assert pytest.approx((0.003, 0.004), rel=1e-3) == (connecting.mean, connecting.p99)


def test_counts_are_taken_over_from_the_account() -> None:
    responses: dict[Outcome, int] = {"data": 1, "empty": 2, "error": 3}
    account = AccountRecord(
        duplicated=4, reordered=5, arrived=6, requests=7, responses=responses, late_polls=8, failed_connects=9
    )
    trial = trial_of(account, truth_of(), NOTHING_MEASURED._replace(restarts=10))

    assert responses == trial.responses
    assert (4, 5, 6, 7, 8, 9, 10) == (
        trial.duplicated,
        trial.reordered,
        trial.arrived,
        trial.requests,
        trial.late_polls,
        trial.failed_connects,
        trial.restarts,
    )


def test_bytes_and_cpu_are_what_the_counters_grew_by() -> None:
    measured = sampled(ServerSample(1.0, 10, 20, 30, 0), ServerSample(1.5, 110, 220, 330, 40))
    trial = trial_of(AccountRecord(arrived=1000), truth_of(), measured)

    assert Bytes(100, 200, 300, 40) == trial.bytes
    assert (0.5, 500.0) == (trial.server.cpu_seconds, trial.server.cpu_us_per_delivery)


def test_cpu_per_delivery_is_unknown_when_nothing_arrived() -> None:
    server = trial_of(
        AccountRecord(), truth_of(), sampled(ServerSample(1.0, 0, 0, 0, 0), ServerSample(1.5, 0, 0, 0, 0))
    ).server

    assert (0.5, None) == (server.cpu_seconds, server.cpu_us_per_delivery)


def test_cpu_is_unknown_where_the_platform_does_not_tell() -> None:
    measured = sampled(ServerSample(None, 1, 2, 3, 0), ServerSample(None, 2, 3, 4, 0))
    trial = trial_of(AccountRecord(arrived=9), truth_of(), measured)

    assert (None, None) == (trial.server.cpu_seconds, trial.server.cpu_us_per_delivery)
    assert Bytes(1, 1, 1, 0) == trial.bytes


def test_server_that_was_restarted_has_neither_bytes_nor_cpu() -> None:
    trial = trial_of(AccountRecord(arrived=9), truth_of(), NOTHING_MEASURED._replace(restarts=1))

    assert Bytes(None, None, None, None) == trial.bytes
    assert (None, None) == (trial.server.cpu_seconds, trial.server.cpu_us_per_delivery)


@pytest.mark.parametrize(
    ("clients", "bytes_per_client"), [(LEAST_CLIENTS_FOR_MEMORY, 50.0), (LEAST_CLIENTS_FOR_MEMORY - 1, None)]
)
def test_memory_per_client_is_told_for_enough_clients_only(clients: int, bytes_per_client: float | None) -> None:
    measured = NOTHING_MEASURED._replace(user_bytes_idle=1_000, user_bytes=11_000, clients_measured=clients)
    server = trial_of(AccountRecord(), truth_of(), measured).server

    assert (1_000, 11_000, bytes_per_client) == (server.user_bytes_idle, server.user_bytes, server.bytes_per_client)


def test_fewest_clients_for_memory_are_those_of_the_design() -> None:
    assert 200 == LEAST_CLIENTS_FOR_MEMORY


@pytest.mark.parametrize(("idle", "full"), [(None, 11_000), (1_000, None)])
def test_memory_per_client_is_unknown_when_either_end_is(idle: int | None, full: int | None) -> None:
    measured = NOTHING_MEASURED._replace(user_bytes_idle=idle, user_bytes=full)

    assert trial_of(AccountRecord(), truth_of(), measured).server.bytes_per_client is None


def test_load_of_one_is_one_core_for_each_process() -> None:
    measured = NOTHING_MEASURED._replace(load_cpu_seconds=5.0, load_processes=2, load_cores=2)

    assert LoadCost(5.0, 0.25, 2) == trial_of(AccountRecord(), truth_of(), measured).load


def test_load_is_unknown_where_the_platform_does_not_tell() -> None:
    assert LoadCost(None, None, 1) == trial_of(AccountRecord(), truth_of()).load


def test_lateness_of_the_producer_is_that_of_updates_in_the_window() -> None:
    truth = truth_of(made(9, late_ns=900 * MS), made(11, 12, epoch="e1", late_ns=3 * MS))

    assert pytest.approx(0.003, rel=1e-3) == trial_of(AccountRecord(), truth).producer.late_seconds_p99


def test_lateness_of_the_producer_is_unknown_when_it_made_nothing() -> None:
    assert trial_of(AccountRecord(), truth_of(made(9, late_ns=900 * MS))).producer.late_seconds_p99 is None
