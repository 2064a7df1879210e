"""Options of the producer: what it understood of them, and which of them do not go together."""

import logging
from pathlib import Path

import pytest

from services.schedules import ProducerOptions, schedule_of
from wirerace.errors import BadInput
from wirerace.workload.trace import Event


def test_producer_logs_what_it_understood_of_a_trace(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trace_file = tmp_path / "trace.csv"
    trace_file.write_text("time_ms\n0\n500\n", "utf-8")
    with caplog.at_level(logging.INFO):
        schedule = schedule_of(ProducerOptions(arrivals="trace", trace_file=str(trace_file), speed=2.0))

    assert [Event(0.0, None), Event(0.5, None)] == schedule.trace
    understood = "events: 2 over 0.25 s, 4 a second, at 2 × the speed of the file, times: milliseconds, payloads: none"
    assert [f"trace {trace_file}: {understood}"] == caplog.messages


def test_producer_refuses_options_that_do_not_go_together(tmp_path: Path) -> None:
    trace_file = tmp_path / "trace.csv"
    trace_file.write_text("time_ms\n0\n500\n", "utf-8")
    with pytest.raises(BadInput, match=r"^rate_per_second × channels must be at most 10000, got 9000 × 2$"):
        schedule_of(ProducerOptions(rate_per_second=9000.0, channels=2))
    with pytest.raises(BadInput, match=r"^channels must be 1 when arrivals is trace, got 2$"):
        schedule_of(ProducerOptions(arrivals="trace", trace_file=str(trace_file), channels=2))
