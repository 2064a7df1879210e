"""Clocks of load hosts: how wrong latencies may be, the verdict on it, and what theory allows for it."""

import msgspec
import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import EXPERIMENT, GOOD, STEADY, judged
from tests.wirerace.clocked import AHEAD, BEHIND, CLOCKS, TRIANGLE
from wirerace.analysis.clocks import BY_TWO_CLOCKS, allowing_for_clocks, clocks_of
from wirerace.analysis.costs import server_cost
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.messages import READING_NS, _reading_ns
from wirerace.observe.account import AccountRecord, merge
from wirerace.observe.clocks import HostClock, Meeting
from wirerace.record.clocks import Clocks
from wirerace.record.result import Raw
from wirerace.record.samples import Memory
from wirerace.record.trial import Cell, Verdict

US = 1000
MEDIAN_SECONDS = 0.008


def clock(
    host: str,
    *,
    corrected_ns: int = 0,
    error_ns: int | None = 50 * US,
    port: int = 1,
    answers: int = 90,
    meetings: tuple[Meeting, ...] = (),
) -> HostClock:
    return HostClock(
        host=host,
        address=f"10.0.0.{ord(host) - ord('a') + 2}",
        port=port,
        probes=100,
        answers=answers,
        least_round_trip_ns=80 * US if answers else None,
        corrected_ns=corrected_ns,
        drift=1e-6,
        error_ns=error_ns,
        meetings=list(meetings),
    )


def met(host: str, ahead_ns: int, error_ns: int | None = 40 * US) -> Meeting:
    return Meeting(host, f"10.0.0.{ord(host) - ord('a') + 2}", 1, ahead_ns, error_ns)


def raw_with(*clocks: HostClock, processes: int | None = None, other_hosts: bool = True) -> Raw:
    account = merge([AccountRecord(clocks=[one]) for one in clocks])
    measured = replace(
        STEADY.measured,
        other_hosts=other_hosts,
        load_processes=len(clocks) if processes is None else processes,
    )
    return replace(STEADY, account=replace(STEADY.account, clocks=account.clocks), measured=measured)


def verdict_on(clocks: Clocks, median: float | None = MEDIAN_SECONDS) -> Verdict:
    latency = replace(GOOD.latency_seconds, p50=median)
    load = replace(GOOD.load, processes=clocks.processes)
    processes = STEADY.account.processes * clocks.processes
    account = replace(STEADY.account, processes=processes, closed_ns=STEADY.account.closed_ns * clocks.processes)
    return judged(
        replace(GOOD, clocks=clocks, latency_seconds=latency, load=load), replace(STEADY, account=account), EXPERIMENT
    )


def test_load_on_the_producers_host_has_no_clocks() -> None:
    raw = raw_with(other_hosts=False)

    assert clocks_of(raw) is None
    assert BY_ID["latency.clock_error"].of(GOOD) is None
    assert _reading_ns(raw) == READING_NS


def test_error_of_latencies_is_that_of_the_worst_process() -> None:
    raw = raw_with(clock("a"), clock("a", error_ns=70 * US, port=2), clock("b", error_ns=60 * US))
    found = clocks_of(raw)

    assert found is not None
    assert found.error_seconds == pytest.approx(70e-6)
    assert [(host.host, host.processes, host.probes) for host in found.hosts] == [("a", 2, 200), ("b", 1, 100)]
    assert [host.error_seconds for host in found.hosts] == pytest.approx([70e-6, 60e-6])
    assert found.hosts[0].round_trip_seconds == pytest.approx(80e-6)
    assert _reading_ns(raw) == READING_NS + 70 * US


def test_one_clock_that_did_not_answer_leaves_the_error_unknown() -> None:
    found = clocks_of(raw_with(clock("a"), clock("a", error_ns=None, answers=0, port=2)))

    assert found is not None
    assert found.error_seconds is None
    assert found.hosts[0].error_seconds is None, "the worst of a host's processes"


def test_process_that_has_reported_no_clock_leaves_the_error_unknown() -> None:
    found = clocks_of(raw_with(clock("a"), processes=2))

    assert found is not None
    assert (found.error_seconds, found.processes) == (None, 1)


def test_differences_of_three_clocks_sum_to_zero_around_the_triangle() -> None:
    """The producer is 30 ms behind a, which is 40 ms ahead of b; one of the three was measured 15 µs wrong."""
    a = clock("a", corrected_ns=-30_000_000, meetings=(met("b", -40_000_000 + 15 * US),))
    found = clocks_of(raw_with(a, clock("b", corrected_ns=10_000_000, error_ns=60 * US)))

    assert found is not None
    (triangle,) = found.triangles
    assert triangle.hosts == ("a (10.0.0.2)", "b (10.0.0.3)")
    assert triangle.sum_seconds == pytest.approx(-15e-6)
    assert triangle.within_seconds == pytest.approx((50 + 40 + 60) * 1e-6)


@pytest.mark.parametrize(
    ("one", "meeting", "other"),
    [(None, 1, 1), (1, None, 1), (1, 1, None)],
)
def test_triangle_is_open_if_a_side_is_unknown(one: int | None, meeting: int | None, other: int | None) -> None:
    clocks = (clock("a", error_ns=one, meetings=(met("b", 0, meeting),)), clock("b", error_ns=other))
    found = clocks_of(raw_with(*clocks))

    assert found is not None
    (triangle,) = found.triangles
    assert (triangle.sum_seconds, triangle.within_seconds) == (None, None)


def test_triangle_to_a_process_that_has_not_reported_is_open() -> None:
    found = clocks_of(raw_with(clock("a", meetings=(met("b", 0),))))

    assert found is not None
    assert found.triangles[0].sum_seconds is None


@pytest.mark.parametrize(
    ("error", "reasons", "doubts"), [(0.0008, 0, 0), (0.00081, 0, 1), (0.004, 0, 1), (0.0041, 1, 0)]
)
def test_error_is_a_doubt_from_a_tenth_of_the_median_and_a_reason_from_a_half(
    error: float, reasons: int, doubts: int
) -> None:
    found = verdict_on(replace(CLOCKS, error_seconds=error))

    about = "clocks of load hosts are known to"
    assert (reasons, doubts) == (
        sum(text.startswith(about) for text in found.reasons),
        sum(text.startswith(about) for text in found.doubts),
    )
    assert found.valid == (not reasons)


def test_known_clocks_that_agree_are_no_finding() -> None:
    assert verdict_on(CLOCKS).findings == judged(GOOD, STEADY, EXPERIMENT).findings
    assert verdict_on(CLOCKS, median=None).valid


def test_clock_that_could_not_be_probed_is_a_reason_that_names_its_host() -> None:
    unknown = replace(AHEAD, error_seconds=None, answers=0)
    found = verdict_on(replace(CLOCKS, error_seconds=None, hosts=[unknown, BEHIND]))

    text = "the clock of load host ahead (10.0.0.2) is unknown, because 0 of 400 probes were answered"
    assert found.reasons == [f"{text}: latencies are differences of two clocks"]
    assert "let UDP through" in found.findings[0].cure
    assert found.findings[0].part == "clock"


def test_clock_of_which_nothing_was_reported_is_a_reason() -> None:
    clocks = replace(CLOCKS, error_seconds=None)
    load, account = replace(GOOD.load, processes=4), STEADY.account
    account = replace(account, processes=account.processes * 4, closed_ns=account.closed_ns * 4)
    found = judged(replace(GOOD, clocks=clocks, load=load), replace(STEADY, account=account), EXPERIMENT)

    assert [text.partition(":")[0] for text in found.reasons] == [
        "1 of 4 load processes have reported nothing of their clocks"
    ]


def test_process_too_many_is_a_reason() -> None:
    clocks = replace(CLOCKS, processes=4)
    account = replace(STEADY.account, processes=STEADY.account.processes * 3, closed_ns=STEADY.account.closed_ns * 3)
    trial = replace(GOOD, clocks=clocks, load=replace(GOOD.load, processes=3))
    found = judged(trial, replace(STEADY, account=account), EXPERIMENT)

    assert [text.partition(":")[0] for text in found.reasons] == ["4 load processes took part, and load.processes is 3"]


def test_clocks_that_do_not_agree_around_a_triangle_are_a_reason() -> None:
    """A bound that was not kept says that other bounds may not be, either."""
    open_one = replace(TRIANGLE, sum_seconds=0.00021)
    found = verdict_on(replace(CLOCKS, triangles=[open_one]))

    assert len(found.reasons) == 1
    assert found.reasons[0].startswith("around ahead (10.0.0.2) and behind (10.0.0.3), the clocks' differences sum")
    unknown = replace(TRIANGLE, sum_seconds=None, within_seconds=None)
    assert verdict_on(replace(CLOCKS, triangles=[unknown])).valid


def test_update_may_seem_to_come_before_its_making_by_the_error_of_clocks() -> None:
    early = replace(STEADY.account, latencies=replace(STEADY.account.latencies, min_ns=-120 * US))
    processes = replace(early, processes=early.processes * 3, closed_ns=early.closed_ns * 3)
    trial = replace(GOOD, clocks=CLOCKS, load=replace(GOOD.load, processes=3))
    about = "an update was received 0.12 ms before it was made"

    assert not any(
        text.startswith(about) for text in judged(trial, replace(STEADY, account=processes), EXPERIMENT).reasons
    )
    assert any(text.startswith(about) for text in judged(GOOD, replace(STEADY, account=early), EXPERIMENT).reasons)


CELL = Cell("latency_seconds", 0.0110, 0.01, 0.01, None, 1.1, 0.0009, False)


def test_theory_allows_for_the_error_where_two_clocks_measure() -> None:
    others = [replace(CELL, quantity="empty_fraction"), replace(CELL, given=None, tolerance=None, within=None)]
    wider, *same = allowing_for_clocks([CELL, *others], 0.0002)

    assert wider.tolerance == pytest.approx(0.0011)
    assert wider.within
    assert same == others
    assert allowing_for_clocks([CELL], None) == [CELL]
    assert {name for name in BY_TWO_CLOCKS if name.endswith("_seconds")} == BY_TWO_CLOCKS


@pytest.mark.parametrize(("other_hosts", "sockets"), [(False, 2), (True, 1)])
def test_sockets_of_clients_elsewhere_are_not_in_the_servers_memory(other_hosts: bool, sockets: int) -> None:
    idle, full = (
        Memory(began_ns=0, ended_ns=1, user_bytes=0, socket_bytes=0, slab_bytes=bytes_) for bytes_ in (0, 4000 * 200)
    )
    measured = replace(STEADY.measured, idle=idle, full=full, clients_measured=200, other_hosts=other_hosts)

    assert server_cost(replace(STEADY, measured=measured)).slab_bytes_per_client == 4000 / sockets


def test_results_without_clocks_are_read_as_before() -> None:
    old = msgspec.json.decode(msgspec.json.encode(STEADY.account).replace(b'"clocks":[],', b""), type=AccountRecord)

    assert old.clocks == []
