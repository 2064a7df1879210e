"""JUnit XML of a run, as a CI server reads it."""

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests.wirerace.compared import INVALID, measured, run_of
from tests.wirerace.report.made_up import result_of
from wirerace.errors import BadInput, SystemFault
from wirerace.record.result import Failure, Result
from wirerace.report.junit import USABLE, check_place, junit_of, save_junit


def cases_of(result: Result, *, allow_invalid: bool = False) -> list[tuple[str, str, str]]:
    """Return the place, the name, and the outcome of each case."""
    found = []
    for case in junit_of(result, allow_invalid=allow_invalid).iter("testcase"):
        inner = [f"{child.tag}: {child.get('message')}" for child in case]
        found.append((case.attrib["classname"], case.attrib["name"], inner[0] if inner else "passed"))
    return found


def with_objectives(result: Result, *objectives: str) -> Result:
    result.experiment["objectives"] = list(objectives)
    return result


def test_each_objective_of_a_contestant_is_a_case() -> None:
    result = with_objectives(run_of((100, 100)), "latency.mean < 0.0005", "lost == 0")

    assert [
        ("WebSocket", "latency.mean < 0.0005", "failure: it is 1 ms"),
        ("WebSocket", "lost == 0", "passed"),
        ("WebSocket", USABLE, "passed"),
    ] == cases_of(result)


def test_invalid_trials_fail_a_case_unless_they_are_allowed() -> None:
    result = run_of((100, 100), verdict=INVALID)

    assert [("WebSocket", USABLE, "failure: 2 of 2 trials are invalid: ")] == cases_of(result)
    assert "skipped: " in cases_of(result, allow_invalid=True)[0][2]


def test_trial_that_was_not_completed_fails_a_case_even_if_invalid_ones_are_allowed() -> None:
    result = msgspec.structs.replace(run_of((1,)), failures=[Failure("websocket", 2, "the server did not start")])

    assert [("WebSocket", USABLE, "failure: the server did not start")] == cases_of(result, allow_invalid=True)


def test_counts_are_those_of_the_cases() -> None:
    result = with_objectives(result_of(measured(100), measured(100, "polling")), "latency.mean < 0.0005", "lost == 0")
    root = junit_of(result, allow_invalid=False)
    (suite,) = root

    assert {"tests": "6", "failures": "2", "errors": "0", "skipped": "0"}.items() <= root.attrib.items()
    assert {"tests": "6", "failures": "2", "name": "t"}.items() <= suite.attrib.items()


def test_file_is_xml_whatever_a_title_has(tmp_path: Path) -> None:
    result = run_of((1,))
    result.experiment["title"] = '<b>&"\x00\x1b[2J\n'
    save_junit(result, tmp_path / "junit.xml", allow_invalid=False)
    (suite,) = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 -- it is our own file

    assert r'<b>&"\x00\x1b[2J\n' == suite.get("name")


def test_place_that_cannot_take_a_file_is_refused_before_a_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a directory; name a file"):
        check_place(tmp_path)
    with pytest.raises(BadInput, match=r"there is no directory .*/none; make it, or name another"):
        check_place(tmp_path / "none" / "junit.xml")


def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemFault, match=r"junit\.xml: "):
        save_junit(run_of((1,)), tmp_path / "none" / "junit.xml", allow_invalid=False)
