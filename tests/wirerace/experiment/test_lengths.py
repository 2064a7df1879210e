"""What is kept of a trial is compared with what is made: nothing that fits is refused."""

from pathlib import Path

import pytest

from tests.refusals import lacking
from tests.wirerace.experiment.files import LEAST, refusal_of, written
from wirerace.experiment.reading import read_experiment
from wirerace.wire.update import Update, encode_update
from wirerace.workload.amounts import ENVELOPE_BYTES, most_from_start, most_within
from wirerace.workload.kept import FILE_UPDATES, RECORD_UPDATES
from wirerace.workload.schedule import Schedule, due_times
from wirerace.workload.trace import Event

HOUR = "[window]\nmeasure_seconds = 3600\n"
TRACE = [Event(at, None) for at in (0.0, 0.1, 0.2, 5.0, 9.0, 9.1)]
SCHEDULES = {
    "periodic": Schedule(rate_per_second=7.0, arrivals="periodic"),
    "Poisson": Schedule(rate_per_second=3.0, channels=4, arrivals="poisson"),
    "bursts": Schedule(rate_per_second=10.0, arrivals="bursty", on_seconds=0.7, off_seconds=3.0),
    "trace": Schedule(arrivals="trace", trace=TRACE, speed=2.0),
    "trace of an instant": Schedule(arrivals="trace", trace=[Event(0.0, None)] * 3, rate_per_second=2.0),
}


@pytest.mark.long
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("seconds", [0.05, 1.0, 4.0, 33.3])
def test_no_schedule_makes_more_than_is_said(name: str, seconds: float) -> None:
    """Counted over the schedule itself: from its start, and from every update on."""
    schedule, span_ns = SCHEDULES[name], round(seconds * 1e9)
    times = []
    for at_ns in due_times(schedule, 0):
        times.append(at_ns)
        if at_ns > 4 * span_ns + 10**11:
            break
    within = max(sum(first <= at < first + span_ns for at in times) for first in times[: len(times) // 2])

    assert sum(at < span_ns for at in times) <= most_from_start(schedule, seconds)
    assert within <= most_within(schedule, seconds)


@pytest.mark.parametrize("seconds", [0.5, 2.0, 30.0, 1000.0])
def test_amount_of_a_trace_is_exact(seconds: float) -> None:
    schedule = SCHEDULES["trace"]
    found = 0
    for at_ns in due_times(schedule, 0):
        if at_ns >= seconds * 1e9:
            break
        found += 1

    assert found == most_from_start(schedule, seconds)


def test_update_is_no_larger_than_is_said() -> None:
    encoded = encode_update(Update("a1b2c3d4", 10**9, 1_790_000_000_123_456_789, "x" * 50, "1000"))

    assert len(encoded) <= ENVELOPE_BYTES + 50


@pytest.mark.parametrize(
    "text",
    [
        HOUR + "[producer]\nrate_per_second = 200",
        HOUR + '[producer]\nrate_per_second = 100\n[[faults]]\nkind = "kill"\non = "producer"\nat_seconds = 3000',
        "[window]\nmeasure_seconds = 300\n[polling]\ninterval_seconds = 60\n[producer]\nrate_per_second = 1000",
        "[window]\nmeasure_seconds = 18000\n[polling]\ninterval_seconds = 3600",
        HOUR + "[longpolling]\nhold_seconds = 3600\n[producer]\nrate_per_second = 100",
    ],
    ids=["an hour", "a kill", "rare polls", "very rare polls", "a long hold"],
)
def test_trial_of_which_everything_is_kept_is_run(text: str, tmp_path: Path) -> None:
    assert read_experiment(written(tmp_path, LEAST + text)).settings


def test_clients_of_the_latest_only_need_no_history(tmp_path: Path) -> None:
    text = "[window]\nmeasure_seconds = 300\n[producer]\nrate_per_second = 2000\n"
    path = written(tmp_path, LEAST + text + '[polling]\ninterval_seconds = 60\ndeliver = "latest"\n')

    assert read_experiment(path).settings


def test_trace_that_the_record_cannot_cover_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fast.csv").write_text("time\n" + "".join(f"{index / 100:.2f}\n" for index in range(200)))
    producer = '[producer]\narrivals = "trace"\ntrace_file = "fast.csv"\nspeed = 3\n'
    line = refusal_of(path := written(tmp_path, LEAST + HOUR + producer))

    facts = ["750,000", "shorten it", "producer.speed"]
    assert [] == lacking(line.removeprefix(f"{path}: "), "window.measure_seconds", facts), line


def test_producer_that_was_killed_has_less_than_one_that_was_not() -> None:
    assert FILE_UPDATES < RECORD_UPDATES
