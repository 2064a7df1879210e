import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.records import MS, PLAN, WINDOW, made, part, received_by, recorded, trial_of, truth_of
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.analysis.measure import figures
from wirerace.errors import TrialFailed
from wirerace.observe.account import STAGES, AccountRecord, Outcome, ProcessUse
from wirerace.record.parts import PartRecord
from wirerace.record.result import Raw

COUNTS = (
    *("duplicated", "reordered", "arrived", "upper_bounds", "requests", "late_polls", "failed_connects", "connects"),
    *("cuts", "breaks", "repeated_requests", "partial_responses"),
)
"""What an account and a trial call the same."""


def test_trial_names_what_was_run() -> None:
    trial = trial_of(AccountRecord(most_clients=3), truth_of())
    setting = PLAN.setting._replace(number=5)
    swept = figures(PLAN._replace(setting=setting), Raw(WINDOW, AccountRecord(), truth_of(), NOTHING_MEASURED))

    assert (0, 5) == (trial.point, swept.point)
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
    """So a server that sent it nothing at all is noticed. The plan's poll interval is 1 s."""
    truth = truth_of(made(11, 12, 13, 14), made(15, 16, epoch="e1"))
    account = AccountRecord(partly=[part("e0", 1, "e0", 1, left_seconds=left) for left in (14.9, 15.1, 17.5, 19)])

    assert 1 + 2 + 4 + 5 == trial_of(account, truth).expected


def test_client_that_leaves_a_load_that_waited_for_a_core_is_expected_to_have_less() -> None:
    truth, left = truth_of(made(11, 12, 13, 14)), [part("e0", 1, "e0", 1, left_seconds=15.1)]
    waited = [ProcessUse(0, 1, 0.0, seconds, None) for seconds in (0.5, 0.3, None)]

    assert 2 == trial_of(AccountRecord(partly=left), truth).expected
    assert 1 == trial_of(AccountRecord(partly=left, processes=waited), truth).expected


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
    latency = trial_of(received_by(100, 10, 20, 30, 40), truth_of(made(11, 12, 13, 14))).latency_seconds

    assert pytest.approx(0.020, rel=1e-3) == latency.p50
    assert [None, None, None] == [latency.p90, latency.p99, latency.p999]
    assert pytest.approx((0.025, 0.040)) == (latency.mean, latency.max)


def test_least_and_largest_latency_are_exact_and_a_negative_one_is_shown() -> None:
    """An update that was received before it was due must not hide in a mean."""
    latency = trial_of(received_by(3, -32, 5, 40), truth_of(made(11, 12, 13))).latency_seconds

    assert pytest.approx((-0.032, 0.040, 13 / 3000)) == (latency.min, latency.max, latency.mean)


def test_percentile_depends_on_updates_and_not_on_how_many_clients_receive_them() -> None:
    few, many = (
        trial_of(received_by(clients, 10, 20), truth_of(made(11, 12))).latency_seconds for clients in (1, 1000)
    )

    assert [None, None] == [few.p99, many.p99]


def test_percentile_that_is_the_worst_of_all_has_nothing_beyond_it() -> None:
    latency = trial_of(received_by(1, 100, 200, unit_ns=1), truth_of(made(11, 12))).latency_seconds

    assert [100 / 1e9, None] == [latency.p50, latency.p90]


def test_every_percentile_is_known_with_enough_updates() -> None:
    times = [10 + index / 200 for index in range(2000)]
    latency = trial_of(received_by(1, *range(1, 2001)), truth_of(made(*times))).latency_seconds

    assert pytest.approx((1.0, 1.8, 1.98, 1.998), rel=2e-3) == (latency.p50, latency.p90, latency.p99, latency.p999)


def test_updates_beyond_a_percentile_are_counted() -> None:
    """Of ten updates, each received by 100 clients, one is slower than nine tenths of the deliveries."""
    latency = trial_of(received_by(100, *range(1, 11)), truth_of(made(*range(10, 20)))).latency_seconds

    assert {"p50": 5, "p90": 1, "p99": 0, "p999": 0} == latency.updates_beyond


def test_latency_and_age_are_unknown_when_nothing_came() -> None:
    trial = trial_of(AccountRecord(subscribed=1), truth_of(made(11)))

    assert (None, None, None) == (trial.latency_seconds.mean, trial.latency_seconds.p50, trial.latency_seconds.max)
    assert (None, None, None) == (trial.age_seconds.mean, trial.age_seconds.peak_mean, trial.connect_seconds.mean)


def test_mean_age_is_the_area_over_the_time_and_peaks_are_averaged() -> None:
    account = AccountRecord(age_area=6.0, age_ns=4_000_000_000, peak_ns=9_000_000_000, peaks=6)
    age = trial_of(account, truth_of()).age_seconds

    assert (1.5, 1.5) == (age.mean, age.peak_mean)


def test_freshness_is_the_part_of_the_time_that_was_not_above_an_age() -> None:
    account = AccountRecord(age_ns=4_000_000_000, older_ns={5_000_000_000: 0, 100_000_000: 3_000_000_000})

    assert {"0.1": 0.25, "5": 1.0} == trial_of(account, truth_of()).age_seconds.fresh_fraction
    assert {} == trial_of(AccountRecord(age_ns=4_000_000_000), truth_of()).age_seconds.fresh_fraction


def test_connecting_has_mean_and_percentile() -> None:
    connecting = trial_of(AccountRecord(connecting=recorded([2 * MS, 4 * MS])), truth_of()).connect_seconds

    assert pytest.approx((0.003, 0.004), rel=1e-3) == (connecting.mean, connecting.p99)


def test_every_stage_of_connecting_has_a_mean() -> None:
    stages = {stage: recorded([count * MS, count * MS]) for count, stage in enumerate(STAGES, 1)}
    found = trial_of(AccountRecord(stages=stages), truth_of()).connect_stages_seconds

    assert pytest.approx(dict(zip(STAGES, (0.001, 0.002, 0.003, 0.004, 0.005), strict=True))) == {
        stage: connecting.mean for stage, connecting in found.items()
    }


def test_counts_are_taken_over_from_the_account() -> None:
    responses: dict[Outcome, int] = {"data": 1, "empty": 2, "error": 3}
    counts = {name: count for count, name in enumerate(COUNTS, 4)}
    parts = {"server": PartRecord(3, 0.5)}
    measured = replace(NOTHING_MEASURED, restarts=3, parts=parts)
    trial = trial_of(replace(AccountRecord(responses=responses), **counts), truth_of(), measured)

    assert counts == {name: getattr(trial, name) for name in counts}
    assert (responses, 3, parts) == (trial.responses, trial.restarts, trial.parts)


def test_lateness_of_the_producer_is_that_of_updates_in_the_window() -> None:
    truth = truth_of(made(9, late_ns=900 * MS), made(11, 12, epoch="e1", late_ns=3 * MS))

    assert pytest.approx(0.003, rel=1e-3) == trial_of(AccountRecord(), truth).producer.late_seconds_p99


def test_lateness_of_the_producer_has_mean_percentile_and_the_most() -> None:
    """A hundred updates, one of which was 50 ms late."""
    times = made(*(10 + index / 100 for index in range(100)))
    late = replace(times, late_ns=[MS] * 99 + [50 * MS])
    found = trial_of(AccountRecord(), truth_of(late)).producer

    assert pytest.approx((0.00149, 0.001, 0.05), rel=1e-3) == (
        found.late_seconds_mean,
        found.late_seconds_p99,
        found.late_seconds_max,
    )


def test_lateness_of_the_producer_is_unknown_when_it_made_nothing() -> None:
    assert trial_of(AccountRecord(), truth_of(made(9, late_ns=900 * MS))).producer.late_seconds_p99 is None
