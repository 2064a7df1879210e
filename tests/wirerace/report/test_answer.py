"""The answer: never more than 20 lines of 80 columns, whatever the result is."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from tests.costly import costly
from tests.wirerace import messaged, visited
from tests.wirerace.report.made_up import result_of, trial
from wirerace.record.reading import read_result
from wirerace.record.result import ContestantRecord, Failure, Point, Result
from wirerace.record.trial import Finding, Trial, Verdict, Weight
from wirerace.report.answer import answer_of, lines_for
from wirerace.report.answer_table import fitted

DATA = Path(__file__).parents[2] / "data"
CARE = Verdict(valid=True, doubts=["busy"], findings=[Finding("doubt", "busy", "", "close other programs")])
INVALID = Verdict(valid=False, reasons=["busy"], findings=[Finding("reason", "busy", "it waits", "use more cores")])
LINES, COLUMNS = 20, 80


def timed(contestant: str, latency: float | None, **changes: Any) -> Trial:
    bare = trial("polling", **({"contestant": contestant} | changes))
    return replace(bare, latency_seconds=replace(bare.latency_seconds, mean=latency))


def result_with(*trials: Trial, titles: Sequence[str] = (), points: int = 1) -> Result:
    ids = list(dict.fromkeys(one.contestant for one in trials))
    names = [*titles, *ids[len(titles) :]]
    return replace(
        result_of(),
        trials=list(trials),
        contestants=[ContestantRecord(one, title, "polling") for one, title in zip(ids, names, strict=False)],
        points=[Point({"clients.count": number} if points > 1 else {}) for number in range(points)],
    )


def lines_of(result: Result, **options: Any) -> list[str]:
    return [line.plain.rstrip() for line in answer_of(result, **options)]


def rows_of(result: Result, **options: Any) -> dict[str, list[str]]:
    """Return the table's rows as words, by the first of them."""
    return {words[0]: words[1:] for line in lines_of(result, **options) if (words := line.split())}


def test_contestants_stand_beside_each_other_with_the_best_marked() -> None:
    result = result_with(timed("a", 0.5), timed("b", 0.002), timed("c", 0.0021))

    assert ["500", "ms", "2", "ms*", "2.1", "ms*"] == rows_of(result, has_bars=False)["latency"]


def test_bars_are_as_long_as_values_are_large() -> None:
    lines = lines_of(result_with(timed("a", 0.5), timed("b", 0.25)))
    (row,) = [line for line in lines if line.startswith("latency")]

    assert (8, 4) == tuple(part.count("█") for part in row.split("ms")[1:])


def test_nothing_is_marked_where_all_are_alike() -> None:
    result = result_with(timed("a", 0.5), timed("b", 0.5))

    assert ["500", "ms", "500", "ms"] == rows_of(result, has_bars=False)["latency"]


def test_what_is_unknown_is_a_dash() -> None:
    assert ["–", "2", "ms"] == rows_of(result_with(timed("a", None), timed("b", 0.002)), has_bars=False)["latency"]


def test_each_contestant_has_a_word_and_what_to_do_about_it() -> None:
    result = result_with(timed("a", 0.5, verdict=CARE), timed("b", 0.5, verdict=INVALID), timed("c", 0.5))

    lines = lines_of(result)
    assert ["with", "care", "do", "not", "use", "good"] == rows_of(result)["verdict"]
    assert ["✗ b: use more cores", "? a: close other programs"] == lines[-2:]


def test_same_advice_for_all_is_given_once() -> None:
    result = result_with(timed("a", 0.5, verdict=CARE), timed("b", 0.5, verdict=CARE))

    assert ["? all: close other programs"] == lines_of(result)[-1:]


def test_finding_without_a_cure_leads_to_the_findings() -> None:
    result = result_with(timed("a", 0.5, verdict=Verdict(valid=False, reasons=["busy: it waits"])))

    assert "✗ a: --full says why" == lines_of(result)[-1]


def test_verdict_says_where_the_rest_is() -> None:
    lines = lines_of(result_with(timed("a", 0.5)))

    assert "VALID: 1 of 1 trials · wirerace show RUN --full has every figure" == lines[-1]


def test_long_title_stands_on_two_lines() -> None:
    lines = lines_of(result_with(timed("a", 0.5), timed("b", 0.5), titles=["Polling, connection closed"]))

    assert ["Polling,"] in [line.split() for line in lines]
    assert ["connection", "closed", "b"] in [line.split() for line in lines]


def test_many_contestants_have_a_row_each() -> None:
    result = result_with(*(timed(f"c{number}", 0.1 * (number + 1)) for number in range(9)))
    lines = lines_of(result)

    assert len(lines) <= LINES
    assert [f"c{number}" for number in range(9)] == [line.split()[0] for line in lines if line.startswith("c")]


@pytest.mark.long
def test_most_contestants_are_cut_to_the_best() -> None:
    result = result_with(*(timed(f"c{number}", 0.1 * (30 - number)) for number in range(30)))
    shown = [line.split()[0] for line in lines_of(result) if line.endswith("✓")]

    assert shown
    assert [f"c{number}" for number in range(30 - len(shown), 30)] == shown


@pytest.mark.long
def test_run_without_a_sweep_has_the_lines_for_all_its_contestants() -> None:
    result = result_with(*(timed(f"c{number}", 0.1 * (30 - number)) for number in range(30)))
    lines = lines_of(result, lines=lines_for(result))

    assert {f"c{number}" for number in range(30)} <= {line.partition(" ")[0] for line in lines}
    assert LINES == lines_for(result_with(timed("a", 0.5), points=2))


def test_small_sweep_has_a_row_for_each_contestant_and_setting() -> None:
    trials = [timed(name, 0.1, point=point, verdict=INVALID) for point in range(3) for name in ("a", "b")]
    lines = lines_of(result_with(*trials, points=3))
    at = lines.index("clients.count")

    assert [["0", "a"], ["b"], ["1", "a"], ["b"], ["2", "a"], ["b"]] == [
        line.split("100")[0].split() for line in lines[at + 2 : at + 8]
    ]
    assert all(line.endswith("✗") for line in lines[at + 2 : at + 8])


def test_large_sweep_shows_its_ends() -> None:
    trials = [timed(name, 0.1, point=point) for point in range(12) for name in ("a", "b")]
    lines = lines_of(result_with(*trials, points=12))

    at = lines.index("clients.count · the first and the last of 12 settings")
    assert [["0", "a"], ["b"], ["11", "a"], ["b"]] == [line.split("100")[0].split() for line in lines[at + 2 : at + 6]]


def test_setting_that_was_not_measured_says_so() -> None:
    lines = lines_of(result_with(timed("a", 0.1), points=2))

    assert "1 not measured" in lines


def test_sentences_of_a_crossing_have_more_room() -> None:
    costs = {
        name: {1: [1.0 + number], 2: [9.0 - number], 5: [9.0]}
        for number, name in enumerate(("polling", "longpolling", "websocket", "sse", "stream"))
    }
    lines = lines_of(visited.swept(costs))

    assert len(lines) <= LINES
    assert "Server CPU per visit: WebSocket" in " ".join(lines)


def test_result_of_nothing_but_failures_says_why() -> None:
    result = replace(result_of(), failures=[Failure("polling", 1, "the server did not start.")])

    assert ["Polling could not be measured: the server did not start."] == lines_of(result)


@pytest.mark.parametrize("saved", ["schema-2", "schema-3"])
def test_saved_results_fit(saved: str) -> None:
    check(answer_of(read_result(DATA / saved)))


def test_results_of_messages_and_visits_fit() -> None:
    rates = {0.0: [(1.0, 0.5)], 2.0: [(1.03, 0.5)], 5.0: [(2.0, 0.4)]}
    sweep = messaged.swept({"polling": rates, "sse": rates, "websocket": rates})
    sweep.trials = [replace(one, messages=one.messages and messaged.RELAYED) for one in sweep.trials]

    check(answer_of(sweep))
    check(answer_of(sweep.at(1)))
    assert "to clients" in " ".join(lines_of(sweep.at(1)))
    check(answer_of(visited.swept({"polling": {1: [1.0]}, "websocket": {1: [2.0]}}).at(0)))


def check(answer: Sequence[Text]) -> None:
    """Check that an answer fits, also as it is printed, and that nobody who pipes it gets colours."""
    assert 0 < len(answer) <= LINES
    assert all(line.cell_len <= COLUMNS for line in answer)
    console = Console(file=io.StringIO(), width=COLUMNS)
    for line in answer:
        console.print(line)
    printed: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert len(answer) == len(printed.splitlines())
    assert "\x1b" not in printed


TITLES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
WEIGHTS: tuple[Weight, ...] = ("reason", "doubt", "unchecked")


@st.composite
def findings(draw: st.DrawFn) -> Verdict | None:
    """Draw a verdict with long and short findings, or none."""
    weights = draw(st.lists(st.sampled_from(WEIGHTS), max_size=3))
    found = [Finding(weight, draw(TITLES), draw(TITLES), draw(TITLES)) for weight in weights]
    return draw(st.sampled_from([None, Verdict(valid="reason" not in weights, findings=found)]))


@st.composite
def results(draw: st.DrawFn) -> Result:
    """Draw results of all sizes: contestants with any titles, settings, repeats, values, verdicts and failures."""
    contestants, points, repeats = (draw(st.integers(1, most)) for most in (9, 4, 3))
    trials = [
        timed(
            f"c{number}",
            draw(st.none() | st.just(0.0) | st.floats(1e-9, 1e5) | st.floats(-1, -1e-9)),
            repeat=repeat,
            point=point,
            verdict=draw(findings()),
            lost=draw(st.integers(0, 10**9)),
        )
        for point in range(points)
        for repeat in range(1, repeats + 1)
        for number in range(contestants)
        if draw(st.integers(0, 9))
    ]
    result = result_with(*trials, titles=[draw(TITLES) for _ in range(contestants)], points=points)
    failures = st.builds(Failure, st.just("c0"), st.just(1), TITLES)
    return replace(result, failures=draw(st.lists(failures, max_size=2)))


def four_from(least: int, most: int) -> st.SearchStrategy[list[int]]:
    """Return a strategy for sizes of terminals: to draw a result takes ten times as long as to write its answer."""
    return st.lists(st.integers(least, most), min_size=4, max_size=4)


@pytest.mark.long
@costly(one_in=2)
@given(results(), four_from(17, LINES), four_from(40, 120))
def test_answer_of_any_result_fits_any_terminal(result: Result, heights: list[int], widths: list[int]) -> None:
    for lines in heights:
        answer = answer_of(result, lines)
        check(answer)
        assert len(answer) <= lines
    for columns in widths:
        assert all(line.cell_len <= min(columns, COLUMNS) for line in answer_of(result, columns=columns))


@pytest.mark.long
@given(TITLES, st.integers(1, 30), st.booleans())
def test_text_is_fitted_to_its_width(text: str, width: int, right: bool) -> None:
    assert width == Text(fitted(text, width, right=right)).cell_len
