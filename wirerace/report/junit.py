"""JUnit XML of a run: a test case for each objective of a contestant, and one that its trials can be used.

CI servers read it. It fails closed: trials that are invalid or missing are failed cases, whatever the figures are.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from wirerace.analysis.capacity.found import capacities_of
from wirerace.analysis.objectives import objectives_of
from wirerace.errors import BadInput, printable
from wirerace.record.result import Result
from wirerace.report.capacity import is_found, rows_of
from wirerace.report.objectives import place_of, why_missed
from wirerace.report.verdict import findings_of
from wirerace.system import blamed_on

FOUND = "its capacity is that of the server"
USABLE = "every trial was completed and is valid"


class JunitCase(NamedTuple):
    """A test case: where and what, how long its trials were measured, and why it failed, empty if it passed."""

    place: str
    name: str
    failed: str
    is_allowed: bool = False


def check_place(path: Path) -> None:
    """Raise BadInput when a report cannot be written to a place, so that a run does not fail at its end."""
    if path.is_dir():
        raise BadInput(f"--junit {path}: a directory; name a file")
    if not path.parent.is_dir():
        raise BadInput(f"--junit {path}: there is no directory {path.parent}; make it, or name another")


def save_junit(result: Result, path: Path, *, allow_invalid: bool) -> None:
    """Save a run as JUnit XML. With `allow_invalid`, trials that are invalid are skipped cases instead of failed ones.

    Raises SystemFault when it cannot be written.
    """
    encoded = ET.tostring(junit_of(result, allow_invalid=allow_invalid), "utf-8", xml_declaration=True)
    with blamed_on(path):
        path.write_bytes(encoded + b"\n")


def junit_of(result: Result, *, allow_invalid: bool) -> ET.Element:
    """Return a run as JUnit XML."""
    cases = list(_cases(result, allow_invalid=allow_invalid))
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failed) and not case.is_allowed for case in cases)),
        "errors": "0",
        "skipped": str(sum(bool(case.failed) and case.is_allowed for case in cases)),
    }
    title = printable(str(result.experiment["title"]))
    root = ET.Element("testsuites", {"name": "wirerace"} | counts)
    suite = ET.SubElement(root, "testsuite", {"name": title, "timestamp": result.started_at} | counts)
    for case in cases:
        element = ET.SubElement(suite, "testcase", classname=printable(case.place), name=printable(case.name))
        if case.failed:
            ET.SubElement(element, "skipped" if case.is_allowed else "failure", message=printable(case.failed))
    ET.indent(root)
    return root


def _cases(result: Result, *, allow_invalid: bool) -> Iterator[JunitCase]:
    if result.is_search:
        for record, row in zip(capacities_of(result), rows_of(result), strict=True):
            said = "" if is_found(record) else f"{row.carries}; gave out: {row.gave_out}: {row.why}"
            yield JunitCase(row.title, FOUND, said, is_allowed=allow_invalid)
        return
    for one in objectives_of(result):
        yield JunitCase(place_of(result, one), one.objective, "" if one.passed else why_missed(one))
    for contestant in result.contestants:
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        broken = [failure.reason for failure in result.counted_failures if failure.contestant == contestant.id]
        invalid = [trial for trial in trials if not trial.is_valid]
        reasons = [one.text for trial in invalid for one in findings_of(trial.verdict) if one.weight == "reason"]
        if broken or not trials:
            yield JunitCase(contestant.title, USABLE, "; ".join(broken) or "it has no trial that counts")
        else:
            said = f"{len(invalid)} of {len(trials)} trials are invalid: {'; '.join(dict.fromkeys(reasons))}"
            yield JunitCase(contestant.title, USABLE, said if invalid else "", is_allowed=allow_invalid)
