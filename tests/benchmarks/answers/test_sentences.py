"""What questions say that ask for something else than the headline."""

import msgspec

from benchmarks.answers.sentences import bytes_first, costs_first, from_least_to_most, on_the_frontier
from tests.wirerace.report.reports import PLACES
from wirerace.record.reading import read_result
from wirerace.record.result import Result
from wirerace.report.headline import headline


def recorded(name: str) -> Result:
    return read_result(PLACES[name])


def test_frontier_is_named_before_what_any_result_says() -> None:
    result = recorded("stay")
    first, *others = on_the_frontier(result)

    assert first.startswith("On the frontier of age and cost: ")
    assert headline(result) == others


def test_costs_come_before_times() -> None:
    result = recorded("messages")
    first, *others = costs_first(result)

    assert first.startswith("Server CPU for a delivery: ")
    assert [said for said in headline(result) if said != first] == others


def test_bytes_at_both_ends_of_a_sweep_come_first() -> None:
    result = recorded("sweep")
    first, *others = bytes_first(result)

    assert first.startswith("A delivery takes ")
    assert " at 5 updates a second and " in first
    assert first.endswith(" at 500 updates a second, with TCP and IP.")
    assert headline(result) == others


def test_nothing_is_added_where_nothing_counts() -> None:
    for name in ("stay", "sweep"):
        empty = msgspec.structs.replace(recorded(name), trials=[])
        assert headline(empty) == bytes_first(empty) == on_the_frontier(empty)


def test_what_was_seen_is_said_from_the_least_to_the_most() -> None:
    cpu, latency, reach = from_least_to_most(recorded("messages"))

    assert cpu.startswith("Server CPU for a delivery: ")
    assert latency.startswith("Mean latency: ")
    assert all(" to " in said and said.endswith(").") for said in (cpu, latency))
    assert reach.endswith(" came with each.") or reach == "Everything came, with each."
