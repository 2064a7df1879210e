"""The machine in two runs: what it did is told from what the version did, with the load as the control."""

import msgspec
import pytest

from tests.wirerace.compared import SOME, comparison, run_of, times
from wirerace.analysis.between import Change
from wirerace.record.result import Result


def with_load(result: Result, factor: float, *, bytes_factor: float | None = None) -> Result:
    """Return a run whose load took a multiple of its usual CPU time, for a number of bytes, or always for the same."""
    for number, one in enumerate(result.trials):
        sent = 10_000 if bytes_factor is None else round(10_000 * bytes_factor)
        result.trials[number] = msgspec.structs.replace(
            one,
            load=msgspec.structs.replace(one.load, cpu_seconds=factor * 0.01),
            bytes=msgspec.structs.replace(one.bytes, application_out=sent),
        )
    return result


def cpu_of(a: Result, b: Result, **options: object) -> Change:
    return {change.figure: change for change in comparison(a, b, **options).changes}["server.cpu_per_delivery"]


def outcome_of(condition: str, a: Result, b: Result) -> str:
    (gate,) = comparison(a, b, condition).fail_if
    return gate.outcome


def test_server_that_is_dearer_while_the_load_is_not_is_dearer() -> None:
    change = cpu_of(with_load(run_of(), 1), with_load(run_of(times(1.5)), 1.02))

    assert "dearer" == change.word
    assert pytest.approx(1.02) == change.machine


@pytest.mark.parametrize("factor", [1.5, 0.6])
def test_difference_that_the_load_has_too_may_be_the_machines(factor: float) -> None:
    change = cpu_of(with_load(run_of(), 1), with_load(run_of(times(factor)), factor))

    assert "undecided" == change.word
    assert change.why.startswith(f"the load, whose work was the same, took {factor:.2f} times the CPU time in B")


def test_difference_that_is_larger_than_that_of_the_load_is_the_servers() -> None:
    assert "dearer" == cpu_of(with_load(run_of(), 1), with_load(run_of(times(2)), 1.3)).word


def test_machine_that_became_faster_does_not_hide_a_server_that_became_dearer() -> None:
    assert "dearer" == cpu_of(with_load(run_of(), 1), with_load(run_of(times(1.5)), 0.7)).word


def test_load_that_had_other_bytes_to_read_is_no_control() -> None:
    change = cpu_of(with_load(run_of(), 1), with_load(run_of(times(1.5)), 1.5, bytes_factor=1.3))

    assert ("dearer", None) == (change.word, change.machine)


def test_load_whose_cpu_time_is_not_known_is_no_control() -> None:
    change = cpu_of(with_load(run_of(), 1), with_load(run_of(times(1.5)), 0))

    assert ("dearer", None) == (change.word, change.machine)


def with_waiting(result: Result, of_server: float, of_load: float) -> Result:
    """Return a run whose server and load waited for a core in some part of their time."""
    for number, one in enumerate(result.trials):
        result.trials[number] = msgspec.structs.replace(
            one,
            server=msgspec.structs.replace(one.server, cpu_seconds=1 - of_server, waited_seconds=of_server),
            load=msgspec.structs.replace(one.load, cpu_seconds=1 - of_load, waited_seconds=of_load),
        )
    return result


@pytest.mark.parametrize(
    ("waiting", "why"),
    [
        ((0.02, 0.02), ""),
        ((0.08, 0.08), ""),
        ((0.5, 0.02), "the server had no core in 2 % of the time that it wanted one in A, 50 % in B"),
        ((0.02, 0.5), "the load had no core in 2 % of the time that it wanted one in A, 50 % in B"),
    ],
)
def test_times_are_undecided_if_a_part_waited_for_a_core_much_longer_in_one_run(
    waiting: tuple[float, float], why: str
) -> None:
    a, b = with_waiting(run_of(), 0.02, 0.02), with_waiting(run_of(times(2)), *waiting)

    assert why == cpu_of(a, b).why
    assert ("undecided" if why else "dearer") == cpu_of(a, b).word
    assert "dearer" == cpu_of(a, b, allow_invalid=True).word


@pytest.mark.parametrize(
    ("others", "word"), [((0.2, 0.3), "dearer"), ((0.2, 1.4), "undecided"), ((1.4, 0.2), "undecided")]
)
def test_times_are_undecided_if_other_programs_used_much_more_or_less(others: tuple[float, float], word: str) -> None:
    a, b = run_of(), run_of(times(2))
    for result, cores in zip((a, b), others, strict=True):
        for number, one in enumerate(result.trials):
            machine = msgspec.structs.replace(one.machine, cores=2, others_cores=cores)
            result.trials[number] = msgspec.structs.replace(one, machine=machine)

    assert word == cpu_of(a, b).word


def test_bytes_do_not_depend_on_the_machine() -> None:
    a, b = with_load(run_of(), 1, bytes_factor=1), with_load(run_of(SOME[::-1]), 3, bytes_factor=1.005)
    changes = {change.figure: change for change in comparison(a, b).changes}

    assert None is changes["bytes.per_delivery"].machine
    assert "no difference" == changes["bytes.per_delivery"].shown


@pytest.mark.parametrize(
    ("factor", "load", "outcome"),
    [
        (1.5, 1.0, "holds"),
        (1.5, 1.4, "undecided"),
        (1.0, 1.0, "does not hold"),
        (1.0, 0.7, "undecided"),
    ],
    ids=["slower", "slower as the load is", "the same", "the same on a faster machine"],
)
def test_gate_decides_only_what_holds_with_and_without_the_machine(factor: float, load: float, outcome: str) -> None:
    a, b = with_load(run_of(), 1), with_load(run_of(times(factor)), load)

    assert outcome == outcome_of("server.cpu_per_delivery > 1.2x", a, b)
