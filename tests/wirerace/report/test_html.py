import re

import msgspec
import pytest

from tests.wirerace import messaged, visited
from tests.wirerace.report.made_up import result_of, trial
from tests.wirerace.report.reports import PLACES, Seen, page_of, seen
from tests.wirerace.results import RESULT
from wirerace.record.reading import read_result
from wirerace.record.result import ContestantRecord, Failure, Point
from wirerace.record.trial import Finding, Verdict
from wirerace.report.html.page import MOST_BYTES, Reported, html
from wirerace.report.html.saving import reported
from wirerace.report.spelling import tied
from wirerace.reproductions.check import Found, between
from wirerace.reproductions.record import ReproductionRecord

HOSTILE = "</style></script><img src=x onerror=alert(1)><script>alert('\"')</script> & \x1b[2J {{ 7 * 7 }}"


@pytest.mark.long
@pytest.mark.parametrize("name", PLACES)
def test_report_asks_nobody_for_anything(name: str) -> None:
    page = page_of(name)
    found = Seen(page)

    assert {"script", "style", "svg"} <= found.tags
    assert set() == found.tags & {"img", "link", "iframe", "object", "embed", "base", "form", "image", "use"}
    assert [] == [value for name, value in found.attributes() if name in {"src", "style", "srcset", "action"}]
    assert [] == [value for name, value in found.attributes() if name.endswith("href") and not value.startswith("#")]
    assert [] == [name for name, _ in found.attributes() if name.startswith("on")]
    assert None is re.search(r"url\(|@import|https?://", page)


@pytest.mark.long
@pytest.mark.parametrize("name", PLACES)
def test_report_is_small_and_has_charts_with_titles(name: str) -> None:
    page = page_of(name)
    titles = Seen(page).texts["h4"]

    assert len(page.encode()) < MOST_BYTES
    assert len(titles) >= 3
    assert all(title.strip() for title in titles)
    assert None is re.search(r"\bnan\b|\binf\b|None", "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL)))


@pytest.mark.long
def test_policy_of_the_page_names_its_own_script_and_style_only() -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page_of("stay"))

    assert policy.startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert "unsafe" not in policy


@pytest.mark.long
def test_report_of_clients_that_stay_has_every_chapter() -> None:
    found = seen(reported(PLACES["stay"]))
    headings, titles = found.texts["h3"], [tied(title) for title in found.texts["h4"]]

    assert ["The figures", "How soon", "Age against cost", "Over time", "How fresh", "What it costs"] == headings[1:7]
    assert "Run it again" == headings[-1]
    for beginning in (
        "Polling's updates came anywhere in its interval of 1",
        "On the frontier of age and cost: ",
        "In the first repeat, the slowest delivery took ",
        "Younger than 1",
        "Bytes for a delivery, with TCP and IP: ",
        "Server CPU for a delivery: ",
        "Memory for a client: ",
        "Connected and answered after ",
    ):
        assert any(title.startswith(beginning) for title in titles), beginning


@pytest.mark.long
def test_report_of_messages_visits_and_sweeps_has_their_charts() -> None:
    beginnings = {
        "messages": ("The server had a message after: ", "From one client to all: "),
        "visit": ("First update after ", "Server CPU for a visit: "),
        "sweep": ("On the frontier of age and cost: ", "Server CPU per delivery: "),
    }
    for name, expected in beginnings.items():
        titles = Seen(page_of(name)).texts["h4"]
        for beginning in expected:
            assert any(title.startswith(beginning) for title in titles), beginning


@pytest.mark.long
def test_table_has_intervals_theory_and_how_a_value_relates_to_the_best() -> None:
    cells = seen(reported(PLACES["stay"])).texts["td"]
    whole = re.compile(r"[\d.]+ ± [\d.]+ ms[\d,.]+ × \([\d.,]+ to [\d.,]+\)theory [\d.]+ ms")

    assert any(whole.fullmatch(cell) for cell in cells)
    assert any("best" in cell for cell in cells)
    assert any("not told apart" in cell for cell in cells)


@pytest.mark.long
def test_nothing_but_failures_still_opens_and_says_why() -> None:
    result = msgspec.structs.replace(RESULT, trials=[], failures=[Failure("polling", 1, "the server did not start")])
    found = seen(Reported(result))

    assert "INVALID: no trial was completed" in found.whole
    assert "Polling, repeat 1: the server did not start" in found.whole


def test_result_without_any_trial_yet_opens() -> None:
    result = msgspec.structs.replace(RESULT, trials=[], failures=[])

    assert "0 of 2 trials: the run was interrupted, or is still running" in seen(Reported(result)).whole


def test_result_without_a_valid_repeat_says_so() -> None:
    result = result_of(trial("polling"), trial("websocket"), discarded=(1,))
    found = seen(Reported(result))

    assert "INVALID: no repeat was valid (discarded: repeat 1)" in found.whole
    assert "table" not in found.tags


@pytest.mark.long
def test_sweep_says_what_is_the_same_at_all_settings() -> None:
    about = "a sweep of producer.rate_per_second: 3 settings · 20 clients · 2 s · 15 trials"

    assert about in seen(reported(PLACES["sweep"])).texts["p"]


def test_interrupted_run_says_how_many_trials_are_missing() -> None:
    result = read_result(PLACES["stay"])
    half = msgspec.structs.replace(result, trials=result.trials[:7])

    assert "7 of 15 trials: the run was interrupted, or is still running" in seen(Reported(half)).whole


def test_sweep_with_a_setting_that_was_not_reached_opens() -> None:
    result = read_result(PLACES["sweep"])
    half = msgspec.structs.replace(result, trials=[trial for trial in result.trials if trial.point == 0])

    assert "Nothing was measured at this setting." in seen(Reported(half)).whole


def test_all_that_comes_from_a_result_is_escaped() -> None:
    verdict = Verdict(valid=False, findings=[Finding("reason", HOSTILE, HOSTILE, HOSTILE)])
    result = result_of(trial("polling", 1, verdict=verdict), trial("websocket", 1, verdict=verdict))
    result.experiment["title"] = HOSTILE
    hostile = msgspec.structs.replace(
        result,
        warnings=[HOSTILE],
        started_at=HOSTILE,
        wirerace=HOSTILE,
        failures=[Failure("polling", 1, HOSTILE)],
        contestants=[ContestantRecord(one.id, f"{one.id} {HOSTILE}", one.transport) for one in result.contestants],
        host=msgspec.structs.replace(result.host, kernel=HOSTILE, packages={HOSTILE: HOSTILE}),
    )
    check = between(Found(HOSTILE, "ratio", 1.0), HOSTILE, (0, 2), HOSTILE)
    record = ReproductionRecord(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, valid=True, passed=True, checks=[check])
    page = html([Reported(hostile, place=HOSTILE), Reported(hostile, reproduced=record)])
    found = Seen(page)

    assert 1 == page.count("<script>")
    assert "img" not in found.tags
    assert "\x1b" not in page
    assert "{{ 7 * 7 }}" in found.whole
    assert [] == [name for name, _ in found.attributes() if name.startswith("on")]


@pytest.mark.long
def test_names_in_drawings_are_escaped() -> None:
    result = read_result(PLACES["sweep"])
    hostile = [
        ContestantRecord(one.id, f"<b onclick=x>{number}", one.transport)
        for number, one in enumerate(result.contestants)
    ]
    points = [Point({"producer.rate_per_second": "<i onload=y>"}), *result.points[1:]]
    found = seen(Reported(msgspec.structs.replace(result, contestants=hostile, points=points[:1] + result.points[1:])))

    assert "b" not in found.tags - {"b"} or all(not attributes for tag, attributes in found.elements if tag == "b")
    assert [] == [name for name, _ in found.attributes() if name.startswith("on")]


@pytest.mark.long
def test_very_long_texts_and_many_settings_do_not_make_it_too_large() -> None:
    result = read_result(PLACES["sweep"])
    many = [Point({"producer.rate_per_second": float(number + 1)}) for number in range(300)]
    trials = [
        msgspec.structs.replace(one, point=number, verdict=Verdict(valid=False, reasons=["x" * 10_000]))
        for number in range(300)
        for one in result.trials[:2]
    ]
    named = [msgspec.structs.replace(one, title="w" * 100_000) for one in result.contestants]
    large = msgspec.structs.replace(
        result, points=many, trials=trials, warnings=["y" * 100_000] * 100, contestants=named
    )
    large.experiment["title"] = "z" * 1_000_000
    page = html([Reported(large)])

    assert len(page.encode()) < 1_500_000
    assert "more settings are left out" in page


@pytest.mark.long
def test_several_results_are_in_one_page_with_a_list_of_them() -> None:
    found = Seen(page_of("stay", "schema 3", "visit"))

    assert 3 == sum(tag == "article" for tag, _ in found.elements)
    assert ["#run-1", "#run-2", "#run-3"] == [value for name, value in found.attributes() if name == "href"]


@pytest.mark.long
def test_experiment_can_be_run_again_from_the_page() -> None:
    found = seen(reported(PLACES["stay"]))
    (text,) = found.texts["pre"]

    assert "wirerace run experiment.toml" in found.texts["code"]
    assert 'transports = [\n    "polling",' in text


def test_no_line_ends_between_a_number_and_its_unit() -> None:
    assert "3\xa0ms and 1.5\xa0s, 20\xa0%, 5\xa0kB; 3 times" == tied("3 ms and 1.5 s, 20 %, 5 kB; 3 times")


def test_sweep_says_what_sending_costs_above_its_settings_and_in_each() -> None:
    result = messaged.swept({"websocket": {0.0: [(0.10, 0.001)], 2.0: [(0.14, 0.003)]}})
    found = seen(Reported(result))
    said = "a message costs 200.0 µs of server CPU; updates came 2 ms later this time."

    assert 2 == found.whole.count(said)
    assert 2 == found.texts["h3"].count("What sending costs")
    assert "against the same clients when they only receive? (without intervals)" in found.whole


def test_sweep_of_visits_says_when_a_push_pays_and_on_which_grounds() -> None:
    costs = {"polling": {1: [1.0], 5: [5.0]}, "websocket": {1: [2.0], 5: [3.0]}}
    found = seen(Reported(visited.swept(costs)))

    assert "When a push pays" in found.texts["h3"]
    assert "Requests per visit: WebSocket costs less than Polling from K = 5 on." in found.whole
    assert "(one repeat, so without intervals" in found.whole


@pytest.mark.long
def test_sweep_without_messages_or_visitors_says_neither() -> None:
    headings = Seen(page_of("sweep")).texts["h3"]

    assert not {"When a push pays", "What sending costs"} & set(headings)
