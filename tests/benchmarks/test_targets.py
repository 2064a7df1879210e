"""Targets: the line says whether the median meets it."""

from benchmarks.__main__ import GROUPS
from benchmarks.measure import BenchRow
from benchmarks.targets import TARGETS, outcomes_of, spelled_outcome


def row(name: str, *costs: float) -> BenchRow:
    return BenchRow(name, name, costs[0], list(costs), 1.0, 1.0, 1.0)


def test_median_of_the_ratios_of_rounds_is_compared_with_the_target() -> None:
    (outcome,) = outcomes_of("longpoll", [row("Wirerace", 9.0, 10.0, 30.0), row("nchan", 10.0, 20.0, 10.0)])

    assert (0.9, 0.5, 3.0) == (outcome.measured, outcome.least, outcome.most)
    assert outcome.is_met
    assert spelled_outcome(outcome, "µs") == "target met: Wirerace at most 1 times nchan: 0.90 (0.50 – 3.00)"


def test_target_without_a_reference_is_in_the_unit_of_its_group() -> None:
    (outcome,) = outcomes_of("memory", [row("server, poller", 6.5)])

    assert not outcome.is_met
    assert spelled_outcome(outcome, "kB") == "target missed: server, poller at most 6 kB: 6.50 (6.50 – 6.50)"


def test_target_whose_reference_was_left_out_has_no_outcome() -> None:
    assert not list(outcomes_of("longpoll", [row("Wirerace", 9.0)]))


def test_groups_of_all_targets_exist() -> None:
    assert {target.group for target in TARGETS} <= set(GROUPS)
