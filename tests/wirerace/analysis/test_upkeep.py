"""Upkeep of connections: from a server's counter to a figure of its trial."""

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.records import counters, sampled, trial_of, truth_of
from wirerace.analysis.figures import BY_ID
from wirerace.observe.account import AccountRecord
from wirerace.record.samples import ServerSample
from wirerace.record.trial import Trial
from wirerace.runner.sampling import server_sample

METRICS = {
    "wirerace_payload_bytes_total": 1.0,
    "wirerace_received_bytes_total": 2.0,
    "wirerace_sent_bytes_total": 3.0,
    "wirerace_heartbeat_bytes_total": 4.0,
    "wirerace_feed_lag_seconds_sum": 0.5,
    "wirerace_feed_lag_seconds_count": 6.0,
    "wirerace_feed_reads_total": 7.0,
}
"""What every server must count."""


def sampled_trial(before: ServerSample, after: ServerSample) -> Trial:
    return trial_of(AccountRecord(arrived=1000), truth_of(), sampled(before, after))


def test_sample_has_the_counter_and_none_of_a_server_without_it() -> None:
    known = server_sample(METRICS | {"wirerace_upkeep_cpu_seconds_total": 0.25}, 1.0, 0)

    assert (0.25, None) == (known.upkeep_cpu_seconds, known.responses)
    assert server_sample(METRICS, 1.0, 0).upkeep_cpu_seconds is None


def test_answers_of_a_server_are_counted_whatever_is_in_them() -> None:
    answers = {f'wirerace_responses_total{{outcome="{outcome}"}}': 10.0 for outcome in ("data", "empty", "error")}

    assert 30 == server_sample(METRICS | answers, 1.0, 0).responses


def test_upkeep_is_a_part_of_a_core_and_unknown_in_records_of_older_versions() -> None:
    """0.05 s in a window of 10 s."""
    before, after = counters(1.0, 10, 20, 30, 0), counters(1.5, 110, 220, 330, 40)
    known = sampled_trial(replace(before, upkeep_cpu_seconds=0.2), replace(after, upkeep_cpu_seconds=0.25))
    older = sampled_trial(before, after)

    assert pytest.approx(0.005) == known.server.upkeep_utilisation
    assert older.server.upkeep_utilisation is None
    assert [known.server.upkeep_utilisation, None] == [BY_ID["server.cpu_upkeep"].of(trial) for trial in (known, older)]
