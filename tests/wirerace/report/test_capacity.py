"""A search for capacity in words: rows and sentences of what was found, in the terminal and on the page."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.wirerace.report.reports import seen
from tests.wirerace.searched import DOCUMENT, Outcome, Outcomes, begun, each, searched, study_with, up_to
from wirerace.analysis.capacity.found import capacities_of
from wirerace.record.result import Result
from wirerace.report.answer import answer_of
from wirerace.report.capacity import CapacityRow, carried_by, is_found, rows_of, sentences_of, validity_of_search
from wirerace.report.html.page import Reported, html
from wirerace.report.markdown import markdown_of
from wirerace.report.terminal import parts_of

INTERRUPTED = "was interrupted, or is still running"
LINES, COLUMNS = 20, 80
ALONE: dict[str, Any] = {"transports": ["polling"]}
HOSTILE = "</style><img src=x onerror=alert(1)> [/bold] {{ 7 * 7 }}"


def found(outcomes: Outcomes, most: int | None = None, **tables: Any) -> Result:
    return searched(study_with(**tables), outcomes, most)[1]


def said(result: Result) -> str:
    return " ".join(sentences_of(result))


def row(outcomes: Outcomes, **tables: Any) -> CapacityRow:
    (only,) = rows_of(found(outcomes, **ALONE, **tables))
    return only


BOTH = found(each(polling=up_to(300), websocket=up_to(1200)))
NOTHING = found(lambda _: "failed")


def test_rows_have_the_interval_the_figure_and_what_gave_out() -> None:
    polling, websocket = rows_of(BOTH)

    assert ("Polling", "polling", "300 to 325", "the server") == (
        polling.title, polling.transport, polling.carries, polling.gave_out,
    )  # fmt: skip
    assert ("1,200 to 1,300", "1,200") == (websocket.carries, websocket.again)
    assert "the server was too busy" == websocket.why
    assert all(figure in websocket.measured for figure in ("10 ms", "1 s"))


@pytest.mark.long
def test_without_a_quota_nothing_is_said_of_a_core() -> None:
    assert "core" in said(BOTH)
    assert "core" not in said(found(up_to(300), servers={}))


@pytest.mark.parametrize(
    ("outcomes", "carries", "gave_out", "again"),
    [
        (up_to(300, again=1), "300 to 325", "the server", "none"),
        (up_to(300, again=200), "300 to 325", "the server", "200"),
        (up_to(1e9), "at least 1,600", "nothing", "–"),
        (up_to(300, "load"), "at least 300", "the load", "–"),
        (up_to(300, "machine"), "at least 300", "the machine", "–"),
        (up_to(300, "producer"), "at least 300", "the producer", "–"),
        (up_to(300, "failed"), "at least 300", "the trials", "–"),
        (up_to(300, "none"), "at least 300", "nothing", "–"),
        (up_to(50), "less than 100", "the server", "–"),
        (up_to(50, "load"), "–", "the load", "–"),
    ],
)
def test_row_says_an_interval_only_if_the_server_gave_out(
    outcomes: Outcomes, carries: str, gave_out: str, again: str
) -> None:
    only = row(outcomes)

    assert (carries, gave_out, again) == (only.carries, only.gave_out, only.again)


def test_capacities_of_servers_are_compared() -> None:
    assert "With 0.2 of a core" in said(BOTH)
    assert "WebSocket carries 3.7 to 4.3 times as many as polling." in said(BOTH), "1,200 / 325 and 1,300 / 300"
    assert "The server gave out in each case." in said(BOTH)
    assert said(BOTH).index("1,200 to 1,300") < said(BOTH).index("300 to 325"), "the best one first"
    assert "carried as much again as before" in said(BOTH)


@pytest.mark.long
def test_intervals_that_overlap_are_not_told_apart() -> None:
    text = said(found(each(polling=up_to(700), websocket=up_to(710))))

    assert "not told apart" in text
    assert "times as many" not in text


@pytest.mark.long
def test_load_that_gave_out_first_leaves_a_lower_bound() -> None:
    result = found(each(polling=up_to(300), websocket=up_to(1200, "load")))
    text = said(result)

    assert "at least 1,200" in text
    assert "the load generator gave out before the server: the load was too busy" in text
    assert "times as many" not in text, "a bound is no capacity"
    assert "The server gave out with polling." in text
    assert re.match("INVALID: .* for WebSocket", validity_of_search(result))


@pytest.mark.parametrize("beyond", ["machine", "producer", "none", "failed"])
def test_whatever_else_gave_out_is_named_and_is_no_capacity(beyond: Outcome) -> None:
    result = found(up_to(300, beyond), **ALONE)
    (record,) = capacities_of(result)

    assert "at least 300" in said(result)
    assert record.why in said(result)
    assert not is_found(record)
    assert validity_of_search(result).startswith("INVALID")


def test_search_that_was_interrupted_says_so() -> None:
    result = found(up_to(300), 9)

    assert "has not ended" in said(result)
    assert {"not ended"} == {one.gave_out for one in rows_of(result)}
    assert validity_of_search(result).startswith("INVALID")
    assert "times as many" not in said(result)


@pytest.mark.long
@pytest.mark.parametrize(
    ("again", "text"), [(200.0, "carried 200 again, and missed the next value"), (1.0, "did not recover")]
)
def test_server_that_does_not_recover_is_named(again: float, text: str) -> None:
    result = found(each(polling=up_to(300, again=again), websocket=up_to(1200)))

    assert f"After an overload, the server of polling {text}" in said(result)
    assert "as much again as before" not in said(result)


def test_nothing_gave_out() -> None:
    result = found(up_to(1e9), **ALONE)

    assert "Polling carries at least 1,600 clients." in said(result).replace("With 0.2 of a core, polling", "Polling")
    assert "up to the highest value" in said(result)
    assert validity_of_search(result).startswith("VALID")


@pytest.mark.long
def test_rates_have_their_own_unit() -> None:
    capacity = {**DOCUMENT["capacity"], "knob": "producer.rate_per_second", "most": 100}
    text = said(found(up_to(33), capacity=capacity, producer={"rate_per_second": 5.0}))

    assert "updates a second" in text
    assert "clients" not in text


def test_trials_that_do_not_count_are_counted() -> None:
    assert "all " in validity_of_search(BOTH)
    assert "9 of 13" in validity_of_search(found(up_to(300, "load"), **ALONE))


def test_search_without_a_trial_measured_nothing() -> None:
    for result in (begun(study_with()), NOTHING):
        assert ["Nothing was measured."] == sentences_of(result)
        assert ["–", "–"] == [one.carries for one in rows_of(result)]


def many(count: int, title: Callable[[int], str]) -> dict[str, Any]:
    """Return a table of contestants with titles."""
    tables = [{"id": f"c-{number}", "transport": "sse", "title": title(number)} for number in range(count)]
    return {"transports": [], "contestants": tables}


KINDS: Sequence[Outcome] = ["server", "none", "load", "machine", "producer", "failed", "failed: server", "met"]


@pytest.mark.long
@given(
    st.integers(1, 8),
    st.lists(st.sampled_from(KINDS), min_size=8, max_size=8),
    st.lists(st.sampled_from([50.0, 300.0, 700.0, 710.0]), min_size=8, max_size=8),
    st.sampled_from([None, 1.0, 200.0]),
    st.sampled_from([3, 20, None]),
    st.sampled_from(["c", "a contestant whose title is much longer than any column of a table ", "宽" * 40, HOSTILE]),
)
def test_answer_fits_whatever_was_found(  # noqa: PLR0917 -- all that can differ
    count: int, beyond: list[Outcome], limits: list[float], again: float | None, most: int | None, title: str
) -> None:
    outcomes = {f"c-{number}": up_to(limits[number], beyond[number], again) for number in range(count)}
    result = found(each(**outcomes), most, **many(count, lambda number: f"{title}{number}"))
    lines = answer_of(result, LINES, COLUMNS)

    assert 1 <= len(lines) <= LINES
    assert [] == [line.plain for line in lines if line.cell_len > COLUMNS]
    if result.trials:
        (at,) = (number for number, line in enumerate(lines) if line.plain.startswith(("VALID", "INVALID")))
        rows = [line.plain for line in lines[: at - 2][-count:]]
        assert [title[:5]] * count == [row[: len(title[:5])] for row in rows], "a row for each"


@pytest.mark.long
def test_answer_has_a_row_for_each_of_eight_contestants_and_the_verdict() -> None:
    contestants = many(8, lambda number: f"a contestant with a long title {number}")
    outcomes = {f"c-{number}": up_to(150 * (1 + number), again=1) for number in range(8)}
    lines = [line.plain for line in answer_of(found(each(**outcomes), **contestants), LINES, COLUMNS)]

    assert 8 == sum("the server" in line and " to " in line and line.startswith("a contestant") for line in lines)
    assert lines[-1].startswith("VALID")


def test_narrow_terminal_gets_narrow_lines() -> None:
    assert all(line.cell_len <= 40 for line in answer_of(BOTH, LINES, 40))


@pytest.mark.parametrize("result", [BOTH, NOTHING, found(up_to(50), **ALONE), found(up_to(300), 3)])
def test_everything_is_printed_on_request(result: Result) -> None:
    parts = parts_of(result)

    assert bool(parts) == bool(result.trials)


@pytest.mark.long
def test_page_of_a_search_has_its_capacities_a_chart_and_a_table() -> None:
    page = seen(Reported(BOTH))

    assert "How far each goes" in page.texts["h3"]
    assert {"svg", "table"} <= page.tags
    assert all(text in page.whole for text in ("300 to 325", "1,200 to 1,300"))
    assert "VALID: each capacity is that of the server" in page.whole


@pytest.mark.long
@pytest.mark.parametrize("most", [*range(1, 12), None])
def test_page_of_a_search_that_was_interrupted_anywhere_opens(most: int | None) -> None:
    page = seen(Reported(found(up_to(300, again=200), most)))

    assert ("not ended" in page.whole) == (most is not None)


@pytest.mark.parametrize("result", [NOTHING, begun(study_with()), found(up_to(50), **ALONE)])
def test_page_of_a_search_that_found_nothing_opens(result: Result) -> None:
    assert "What each carries" in seen(Reported(result)).texts["h3"]


@pytest.mark.long
def test_search_that_has_ended_is_not_called_interrupted() -> None:
    for result in (BOTH, NOTHING, found(up_to(50), **ALONE)):
        assert INTERRUPTED not in seen(Reported(result)).whole
    assert INTERRUPTED in seen(Reported(found(up_to(300), 4))).whole


@pytest.mark.long
def test_titles_with_markup_are_shown_as_they_are() -> None:
    contestants = many(2, lambda number: f"{HOSTILE}{number}")
    result = found(each(**{"c-0": up_to(300), "c-1": up_to(700)}), **contestants)
    result = replace(result, experiment=result.experiment | {"title": HOSTILE})
    page = seen(Reported(result))

    assert "img" not in page.tags
    assert "{{ 7 * 7 }}" in page.whole
    assert "[/bold]" in said(result)
    assert any("[/bold]" in line.plain for line in answer_of(result, LINES, COLUMNS))


def test_markdown_of_a_search_says_what_each_carries() -> None:
    text = markdown_of(BOTH)

    assert "1,200 to 1,300" in text
    assert "INVALID" not in text


def test_contestant_of_a_bound_and_an_interval_is_sorted_by_what_it_carries() -> None:
    records = capacities_of(found(each(polling=up_to(1e9), websocket=up_to(50))))

    assert ["at least 1,600", "less than 100"] == [carried_by(one) for one in records]


def test_page_of_a_search_has_its_values_in_their_order() -> None:
    """They were tried in another one: 100, 200, 400, 300, 350, and 300 again after 325."""
    result = found(up_to(300), **ALONE)
    tried = [point.setting["clients.count"] for point in result.points]
    titles = re.findall(
        r"<summary>(?:At )?([\d,]+) clients(?: after an overload with ([\d,]+))?", html([Reported(result)])
    )
    values = [tuple(int(value) for value in title if value) for title in titles]

    assert tried != sorted(tried)
    assert sorted(values) == values
    assert len(result.points) == len(values)
