"""The verdict in words, for readers in a hurry."""

from pathlib import Path

import pytest

from tests.wirerace.report.made_up import lines_of, result_of, trial
from wirerace.record.reading import read_result
from wirerace.record.result import Point
from wirerace.record.trial import Finding, Trial, Verdict
from wirerace.report.terminal import parts_of
from wirerace.report.verdict import verdict_of

LATE = Finding("reason", "9 % of polls left late", "they find more", "use fewer clients")
SAVED = Path(__file__).parents[2] / "data" / "schema-2"
BUSY = Finding("doubt", "others used 2 % of the machine", "caches are shared", "close other programs")
STEAL = Finding("unchecked", "steal")


def found(*findings: Finding) -> Verdict:
    return Verdict(valid=all(one.weight != "reason" for one in findings), findings=list(findings))


def said(*trials: Trial, discarded: tuple[int, ...] = ()) -> list[str]:
    return lines_of(*verdict_of(result_of(*trials, discarded=discarded)))


def test_run_without_a_finding_is_valid_and_every_contestant_good() -> None:
    assert ["VALID: 2 of 2 trials", " Polling   good", " WebSocket good"] == said(trial(), trial("websocket"))


def test_contestants_get_one_word_each_and_every_finding_a_cure() -> None:
    doubtful, invalid = trial("websocket", verdict=found(BUSY)), trial("longpolling", verdict=found(LATE, BUSY, STEAL))

    assert [
        "INVALID: 2 of 3 trials can be used",
        " Polling      good",
        " Long polling do not use",
        " WebSocket    with care",
        " ✗ 9 % of polls left late: they find more (Long polling)",
        "   → use fewer clients",
        " ? others used 2 % of the machine (Long polling; WebSocket)",
        "   → close other programs",
        " · not checked: steal (Long polling)",
    ] == said(trial(), doubtful, invalid)


def test_doubts_are_said_in_the_first_line() -> None:
    trials = (trial(verdict=found(BUSY)), trial(repeat=2), trial("websocket"))

    assert [
        "VALID, with care: 1 of 3 trials is in doubt",
        " Polling   with care: 1 of 2 trials is in doubt",
        " WebSocket good",
        " ? others used 2 % of the machine (Polling, repeat 1)",
        "   → close other programs",
    ] == said(*trials)


@pytest.mark.parametrize(
    ("invalid", "line"),
    [
        (1, "INVALID: none of 1 trials can be used"),
        (2, "INVALID: none of 2 trials can be used"),
    ],
)
def test_run_of_which_nothing_can_be_used_says_so(invalid: int, line: str) -> None:
    assert line == said(*(trial(repeat=repeat, verdict=found(LATE)) for repeat in range(1, invalid + 1)))[0]


def test_findings_that_differ_in_numbers_alone_are_said_once_with_those_of_the_first_trial_named() -> None:
    verdicts = [found(Finding("doubt", f"{part} % of polls left late", "why", "wait")) for part in (2.5, 3)]
    trials = (trial(repeat=2, verdict=verdicts[1]), trial(repeat=1, verdict=verdicts[0]), trial("websocket", 2))

    assert [" ? 2.5 % of polls left late (Polling)", "   → wait"] == said(*trials)[3:]


def test_findings_with_one_cure_stand_together() -> None:
    others = [Finding("doubt", what, "why", cure) for what, cure in (("a", "x"), ("b", "y"), ("c", "x"))]

    assert [" ? a (Polling)", " ? c (Polling)", "   → x", " ? b (Polling)", "   → y"] == said(
        trial(verdict=found(*others))
    )[2:]


def test_discarded_repeats_are_named_and_their_reasons_said() -> None:
    assert [
        "VALID: 1 of 1 trials (discarded: repeat 1)",
        " Polling good",
        " ✗ 9 % of polls left late: they find more (Polling, repeat 1)",
        "   → use fewer clients",
    ] == said(trial(verdict=found(LATE)), trial(repeat=2), discarded=(1,))


def test_run_without_a_valid_repeat_has_a_verdict_and_no_table() -> None:
    parts = parts_of(result_of(trial(verdict=found(LATE)), discarded=(1,)))

    assert "INVALID: no repeat was valid (discarded: repeat 1)" == lines_of(*parts)[0]


def test_trial_that_was_not_judged_is_not_to_be_used() -> None:
    assert [
        "INVALID: none of 1 trials can be used",
        " Polling do not use",
        " ✗ the trial was not judged: nothing is known of it (Polling)",
        "   → run it again",
    ] == said(trial(verdict=None))


def test_result_of_an_earlier_version_is_shown_with_its_findings() -> None:
    lines = lines_of(*verdict_of(read_result(SAVED)))

    assert "INVALID: none of 9 trials can be used" == lines[0]
    assert " Long polling do not use: all 3 trials are invalid" in lines
    assert any(line.startswith(" ✗ the server had no core 79.2 % of the time that it wanted one:") for line in lines)


def test_trials_of_a_sweep_are_named_by_setting_and_repeat() -> None:
    verdicts = [found(LATE) if number in {2, 3, 5} else found() for number in range(6)]
    trials = [trial(repeat=1 + number % 3, point=number // 3, verdict=one) for number, one in enumerate(verdicts)]
    trials += [trial("websocket", repeat=2, point=1, verdict=found(LATE))]
    result = result_of(*trials)
    result.points = [Point({"producer.rate_per_second": rate}) for rate in (20.0, 1000.0)]
    said = lines_of(*verdict_of(result))

    names = "Polling at 20 updates a second, repeat 3; Polling at 1,000 updates a second, repeats 1 and 3; WebSocket at"
    assert names in " ".join(" ".join(line.split()) for line in said)


def test_setting_after_an_overload_says_so() -> None:
    result = result_of(trial(verdict=found(LATE)), trial(point=1, verdict=found()))
    result.points = [Point({"clients.count": 1}, after={"clients.count": 1200}), Point({"clients.count": 2})]

    assert "(Polling at 1 client after an overload with 1,200 clients)" in " ".join(lines_of(*verdict_of(result)))
