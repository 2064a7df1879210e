"""The pure scripts of the live page in a real browser, compared with the Python code and with definitions."""

import json
import math
from itertools import pairwise
from statistics import mean, median, stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.browser.scripts import Scripts
from tests.wirerace.stories import WINDOW, Story, age_integral, stories

pytestmark = pytest.mark.browser

CALM = {
    "begun": True,
    "answers": True,
    "hiddenMs": None,
    "faultMs": None,
    "loopLateMs": 4,
    "latePolls": 0,
    "clock": {"errorMs": 0.2, "steppedMs": 0},
    "producer": {"live": True, "lateMs": 0.3},
    "crowd": {"clients": 0, "share": None},
    "others": 1,
    "lanes": [{"title": "SSE", "live": True, "stalled": False, "count": 90, "latencyMs": 2.5, "missing": 0}],
}
"""Facts that give no reason for doubt."""
finite = st.floats(0.001, 1e6)


@given(story=stories())
def test_age_is_integrated_as_its_definition_says(scripts: Scripts, story: Story) -> None:
    received = [[arrival, update.ts] for update, arrival in story.received]
    to_ns = min(WINDOW.to_ns, story.closed_ns)
    found = scripts.value(
        "{const age = new Age(1e9); it.received.forEach((one) => age.received(...one)); "
        "return age.mean(it.from, it.to)}",
        {"received": received, "from": WINDOW.from_ns, "to": to_ns},
    )
    duration_ns, area = age_integral(story)

    assert (None if not duration_ns else pytest.approx(area / duration_ns)) == found


def test_age_forgets_what_is_older_than_its_span_and_keeps_what_was_known_at_its_beginning(scripts: Scripts) -> None:
    steps = "{const age = new Age(100); it.forEach((at) => age.received(at, at - 5)); return age.steps.length}"

    assert 4 == scripts.value(steps, [0, 50, 150, 200, 240])
    corners = "{const age = new Age(100); it.forEach((at) => age.received(at, at - 5)); return age.corners(140, 260)}"
    assert [[140, 95], [150, 105], [150, 5], [260, 115]] == scripts.value(corners, [0, 50, 150])


@given(text=st.text("ab\n", max_size=40), cuts=st.lists(st.integers(0, 40), max_size=6))
def test_lines_are_those_of_the_whole_text_in_every_split(scripts: Scripts, text: str, cuts: list[int]) -> None:
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    parts = [text[begin:end] for begin, end in pairwise(bounds)]
    found = scripts.value(
        "{const lines = new Lines(); return [it.flatMap((part) => lines.feed(part)), lines.rest]}", parts
    )

    assert text.split("\n") == [*found[0], found[1]]


@given(received=st.lists(st.integers(1, 12), max_size=30))
def test_ledger_counts_gaps_and_repetitions(scripts: Scripts, received: list[int]) -> None:
    """A stream in order has gaps where something is lost, and repeats where it comes again."""
    run = "{const ledger = new Ledger(); it.forEach((seq) => ledger.take('a', seq)); return ledger}"
    found = scripts.value(run, received)
    new = [seq for index, seq in enumerate(received) if seq > max(received[:index], default=0)]

    assert len(received) - len(new) == found["again"]
    assert (new[-1] - new[0] + 1 - len(new) if new else 0) == found["missing"]


def test_ledger_begins_again_with_another_epoch(scripts: Scripts) -> None:
    run = "{const ledger = new Ledger(); it.forEach((one) => ledger.take(...one)); return ledger}"
    found = scripts.value(run, [["a", 7], ["a", 8], ["b", 1], ["b", 3]])

    assert (4, 1, 0) == (found["received"], found["missing"], found["again"])


@given(values=st.lists(finite, min_size=1, max_size=30))
def test_mean_median_and_interval_are_those_of_python(scripts: Scripts, values: list[float]) -> None:
    found = scripts.value("[mean(it), median(it), estimate(it).error]", values)
    error = 1.96 * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.inf

    assert pytest.approx([mean(values), median(values), error], abs=1e-6) == found


@given(value=finite)
def test_place_on_the_logarithmic_axis_leads_back_to_the_value(scripts: Scripts, value: float) -> None:
    place, back = scripts.value("[logPlace(it, 0.001, 1e6), logValue(logPlace(it, 0.001, 1e6), 0.001, 1e6)]", value)

    assert pytest.approx(math.log10(value * 1000) / 9, abs=1e-9) == place
    assert pytest.approx(value) == back


@given(value=finite)
def test_axis_ends_at_a_round_number_that_is_hardly_larger(scripts: Scripts, value: float) -> None:
    found = scripts.value("roundUp(it)", value)

    assert value * (1 - 1e-6) <= found <= 1.7 * value


def test_clock_takes_the_offset_of_the_quickest_question(scripts: Scripts) -> None:
    probes = [[0, 1005, 10], [20, 1023, 22], [30, 1040, 50]]
    run = "{const clock = new ServerClock(() => 100); it.forEach((one) => clock.probed(...one)); "
    found = scripts.value(run + "return [clock.now(), clock.errorMs, clock.steppedMs]}", probes)

    assert [100 + 1002, 1, 0] == found


def test_clock_that_was_set_is_noticed_and_known_again(scripts: Scripts) -> None:
    probes = [[0, 1001, 2], [10, 1011, 12], [20, 8021, 22]]
    run = "{const clock = new ServerClock(() => 0); it.forEach((one) => clock.probed(...one)); "

    assert [8000, 7000] == scripts.value(run + "return [clock.offset, clock.steppedMs]}", probes)


def test_rate_leaves_out_where_a_count_began_again(scripts: Scripts) -> None:
    samples = [{"at": at, "count": count} for at, count in ((0, 5), (1000, 15), (2000, 3), (4000, 23))]

    assert [10, 10] == scripts.value("ratesOf(it)", samples)


def test_light_is_green_without_a_reason_for_doubt(scripts: Scripts) -> None:
    assert [] == scripts.value("doubtsOf(it)", CALM)
    assert "These numbers can be believed" == scripts.value("lightOf([]).text")


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ({"answers": False}, "bad", "server does not answer"),
        ({"hiddenMs": 4000}, "bad", "hidden 4 s ago"),
        ({"clock": {"errorMs": 0.2, "steppedMs": 60_000}}, "bad", "clock was set"),
        ({"clock": {"errorMs": 2, "steppedMs": 0}}, "care", "known to ±2.0 ms"),
        ({"producer": {"live": False, "lateMs": 0}}, "bad", "producer does not answer"),
        ({"producer": {"live": True, "lateMs": 20}}, "care", "20 ms late"),
        ({"loopLateMs": 90}, "care", "90 ms late"),
        ({"loopLateMs": 900}, "bad", "900 ms late"),
        ({"latePolls": 3}, "care", "Polls that left more than 50 ms late: 3."),
        ({"crowd": {"clients": 40, "share": None}}, "care", "A crowd of 40 clients for each transport"),
        ({"crowd": {"clients": 40, "share": 0.31}}, "care", "it takes 31 % of a core"),
        ({"crowd": {"clients": 200, "share": 0.95}}, "bad", "it takes 95 % of a core"),
        ({"others": 60}, "care", "Up to 60 other clients are connected"),
        ({"begun": False, "answers": False}, "care", "Nothing is measured yet."),
        ({"faultMs": 7000}, "care", "7 s ago"),
        ({"lane": {"stalled": True, "live": False}}, "bad", "SSE: its server stands still"),
        ({"lane": {"live": False}}, "bad", "SSE: its server is not live"),
        ({"lane": {"missing": 2}}, "bad", "SSE: 2 updates are missing"),
        ({"lane": {"count": 7}}, "care", "Fewer than 30 updates to judge by: SSE (7)"),
        ({"lane": {"latencyMs": -4}}, "bad", "the clocks differ"),
    ],
)
def test_each_reason_for_doubt_is_said(scripts: Scripts, change: dict[str, Any], level: str, words: str) -> None:
    lanes = [CALM["lanes"][0] | change.pop("lane", {})]  # type: ignore[index]
    doubts = scripts.value("doubtsOf(it)", CALM | {"lanes": lanes} | change)

    assert [level] == [doubt["level"] for doubt in doubts], json.dumps(doubts)
    assert words in doubts[0]["text"]


def test_worst_doubt_decides_and_stands_first(scripts: Scripts) -> None:
    doubts = scripts.value("doubtsOf(it)", CALM | {"latePolls": 3, "hiddenMs": 100})

    assert ["bad", "care"] == [doubt["level"] for doubt in doubts]
    assert "Do not believe these numbers" == scripts.value("lightOf(it).text", doubts)


def test_light_says_where_the_computer_is_the_only_reason(scripts: Scripts) -> None:
    busy = "Believe these numbers with care: this computer is busy"
    crowd = {"clients": 90, "share": 0.3}

    assert busy == scripts.value("lightOf(doubtsOf(it)).text", CALM | {"loopLateMs": 90, "crowd": crowd})
    small = CALM | {"crowd": {"clients": 9, "share": 0.02}}
    assert "Believe these numbers with care" == scripts.value("lightOf(doubtsOf(it)).text", small)
    cut = CALM | {"loopLateMs": 90, "faultMs": 7000}
    assert "Believe these numbers with care" == scripts.value("lightOf(doubtsOf(it)).text", cut)


@given(
    steps=st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 100)), min_size=1, max_size=20),
    most=st.floats(1, 120),
)
def test_curve_that_is_too_old_for_the_axis_is_flat_and_true_below(
    scripts: Scripts, steps: list[tuple[float, float]], most: float
) -> None:
    corners, at = [], 0.0
    for young, lasts in steps:
        corners += [[at, young], [at + lasts, young + lasts]]
        at += lasts
    flat = scripts.value("flattened(...it)", [corners, most])

    assert max(age for _, age in flat) <= most
    for (begin, young), (end, old) in pairwise(flat):
        if begin < end:
            assert pytest.approx(min(young + end - begin, most), abs=1e-6) == old
    assert [flat[0][0], flat[-1][0]] == [0, pytest.approx(at)]


def test_axis_of_ages_grows_at_once_and_does_not_stay_so_after_an_outlier(scripts: Scripts) -> None:
    axis = "ageAxis(it.means, it.ages, it.before)"
    usual = {"means": [700, 200], "ages": [900, 100]}

    assert 3000 == scripts.value(axis, usual | {"before": 1000})
    assert 5000 == scripts.value(axis, usual | {"ages": [4100, 100], "before": 3000})
    assert 3000 == scripts.value(axis, usual | {"before": 5000}), "the outlier is over, and still on the curve"
    assert 3000 == scripts.value(axis, {"means": [600], "ages": [500], "before": 3000}), "not for a small difference"


@pytest.mark.parametrize(
    ("count", "asks", "stage", "words"),
    [
        (0, True, "waits", "no connection was in use, so nothing happened"),
        (1, True, "waits", "1 connection, between two questions, so nobody noticed"),
        (2, True, "held", "2 connections. The client continues where it was"),
        (1, False, "open", "1 connection. The client continues where it was"),
    ],
)
def test_cut_says_what_happened(scripts: Scripts, count: int, asks: bool, stage: str, words: str) -> None:
    assert words in scripts.value("cutNote(...it)", [count, asks, stage])


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("formatMs(1.25)", "1.3 ms"), ("formatMs(512.4)", "512 ms"), ("formatMs(2100)", "2.10 s"),
        ("formatMs(25000)", "25.0 s"), ("formatMs(null)", "–"), ("formatMs(Infinity)", "–"),
        ("formatRate(0, 1)", "none now, 1 so far"), ("formatRate(0.14, 2)", "0.14/s, 2 so far"),
        ("formatRate(4.96, 70)", "5.0/s, 70 so far"), ("formatBytes(0)", "0 B"),
        ("formatBytes(1234)", "1.2 kB"), ("formatBytes(2.5e6)", "2.5 MB"),
        ("formatBytes(null)", "–"), ("rough(483)", "480"), ("rough(0.526)", "0.53"), ("rough(12345)", "12,000"),
        ("inSentence('Long polling')", "long polling"), ("inSentence('HTTP streaming')", "HTTP streaming"),
        ("inSentence('WebSocket')", "WebSocket"), ("inSentence('SSE')", "SSE"),
    ],
)  # fmt: skip
def test_numbers_and_names_are_written_for_people(scripts: Scripts, expression: str, text: str) -> None:
    assert text == scripts.value(expression)
