"""Making: every schedule within its bounds is handed out in order and in portions, and every other one is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.making import AT_ONCE_BYTES, AT_ONCE_UPDATES, Making
from services.schedules import schedule_in
from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.workload.schedule import Due, Schedule
from wirerace.workload.trace import Event

START_NS = 1_790_000_000_000_000_000
YEAR_NS = 365 * 86_400 * 10**9
SECOND_NS = 10**9


def portions(making: Making, now_ns: int, count: int) -> list[list[Due]]:
    return [making.due(now_ns) for _ in range(count)]


def test_nothing_is_due_before_its_time() -> None:
    making = Making(Schedule(arrivals="periodic", rate_per_second=4.0), START_NS, START_NS)
    assert [] == making.due(START_NS)
    assert START_NS + SECOND_NS // 4 == making.next_ns
    assert [START_NS + SECOND_NS // 4] == [due.at_ns for due in making.due(making.next_ns)]
    assert [] == making.due(START_NS + SECOND_NS // 4)


def test_backlog_is_handed_out_in_portions() -> None:
    """So the producer can do something else between them."""
    making = Making(Schedule(arrivals="periodic", rate_per_second=1000.0, payload_bytes=1), START_NS, START_NS)
    sizes = [len(due) for due in portions(making, START_NS + 5 * SECOND_NS // 2, 4)]
    assert [AT_ONCE_UPDATES, AT_ONCE_UPDATES, 500, 0] == sizes


def test_portion_of_large_updates_is_small() -> None:
    schedule = Schedule(arrivals="periodic", rate_per_second=1000.0, payload_bytes=1_000_000)
    (due,) = portions(Making(schedule, START_NS, START_NS), START_NS + 100 * SECOND_NS, 1)
    assert AT_ONCE_BYTES <= sum(len(one.data) for one in due) < AT_ONCE_BYTES + 1_000_000


seconds = st.floats(0.001, 86_400.0)
sizes = st.one_of(
    st.integers(0, 1_048_576),
    st.lists(st.integers(1, 1_048_576), min_size=3, max_size=3)
    .map(sorted)
    .map(lambda found: dict(zip(("min", "median", "max"), found, strict=True))),
)
payloads = st.none() | st.text(max_size=5)
traces = st.one_of(
    st.lists(st.tuples(st.floats(), payloads), max_size=5),
    st.lists(st.floats(0, 1e10), min_size=1, max_size=50).map(lambda times: [(at, None) for at in sorted(times)]),
)
schedules = st.fixed_dictionaries(
    {"arrivals": st.sampled_from(["periodic", "poisson", "bursty", "trace"])},
    optional={
        "rate_per_second": st.floats(0.01, 10_000.0),
        "on_seconds": seconds,
        "off_seconds": seconds,
        "payload_bytes": sizes,
        "speed": st.floats(0, 1_000_000.0, exclude_min=True),
        "seed": st.integers(0, 2**52),
        "start_ns": st.integers(0, 2**62),
        "trace": traces,
    },
)


@pytest.mark.long
@given(schedules, st.integers(-YEAR_NS, 20 * YEAR_NS))
def test_schedule_that_is_accepted_can_be_kept_from_any_instant_on(given_: dict[str, object], later_ns: int) -> None:
    """In order, within 64 bits, from that instant on; any other schedule is refused, on one line."""
    try:
        schedule = schedule_in(json.dumps(given_).encode())
    except BadInput as refusal:
        refused = str(refusal)
        assert refused.startswith("schedule: ")
        assert "\n" not in refused
        return
    start_ns = schedule.start_ns or START_NS
    from_ns = max(0, start_ns + later_ns)
    making = Making(schedule, start_ns, from_ns)
    times = [due.at_ns for due in making.due(making.next_ns)]
    while len(times) < 20:
        times += [due.at_ns for due in making.due(making.next_ns)]
    assert sorted(times) == times
    assert max(from_ns, start_ns) <= times[0]
    assert times[0] < 2**63


@pytest.mark.long
@pytest.mark.parametrize(
    ("trace", "place", "facts"),
    [
        ([[0, "a"], [2, "b"], [1, "c"]], "trace[2]", ["back by 1 s", "sort the events"]),
        ([[-1, "a"]], "trace[0]", ["-1 s", "0 s or later"]),
        ([[0, "a"], [1e308, "b"]], "trace[1]", ["1e+308 s", "speed 1", "100 years", "raise the speed"]),
        ([[0, "x" * 1_048_577]], "trace[0]", ["payload", "at most 1048576 bytes", "cut it"]),
        ([[0, None]] * 1_000_001, "trace[1000000]", ["at most 1000000 events", "cut it"]),
        ([[0, "a"], [1e-9, "b"]], "trace[1]", ["1e+09 events a second", "speed 1", "10000", "lower the speed"]),
    ],
    ids=["back in time", "negative", "beyond 64 bits", "large payload", "many events", "too fast"],
)
def test_trace_is_refused_as_the_reader_of_files_refuses_it(trace: list[object], place: str, facts: list[str]) -> None:
    with pytest.raises(BadInput) as refusal:
        schedule_in(json.dumps({"arrivals": "trace", "trace": trace}).encode())
    assert [] == lacking(str(refusal.value), f"schedule: {place}", facts), refusal.value


@pytest.mark.parametrize(
    "schedule", [Schedule(arrivals="trace", trace=[Event(0.0, None), Event(1e308, None)], speed=1e-300)]
)
def test_schedule_that_was_not_checked_is_still_tried(schedule: Schedule) -> None:
    with pytest.raises(BadInput, match=r"^it cannot be kept: "):
        Making(schedule, START_NS, START_NS + 1)
