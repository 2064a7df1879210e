"""The objectives of an experiment in the terminal: PASS or FAIL, and for a FAIL what the figure is instead."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from wirerace.analysis.objectives import objectives_of
from wirerace.errors import printable
from wirerace.record.objective import ObjectiveRecord
from wirerace.record.result import Result
from wirerace.report.settings import at_point
from wirerace.report.spelling import spell

PASS, FAIL = "PASS", "FAIL"


def objectives_part(result: Result) -> list[Text]:
    """Return a line for every objective that a contestant misses, and one for all that are met; empty without any."""
    judged = objectives_of(result)
    if not judged:
        return []
    missed = [one for one in judged if not one.passed]
    lines = [Text(""), _headline(judged, missed)]
    return [*lines, *(Text(printable(f"  {FAIL} {line}"), "red") for line in missed_lines(result, missed))]


def _headline(judged: Sequence[ObjectiveRecord], missed: Sequence[ObjectiveRecord]) -> Text:
    named = ", ".join(dict.fromkeys(one.objective for one in judged))
    if not missed:
        return Text(printable(f"Objectives: {PASS}: every contestant meets {named}"), "bold green")
    return Text(printable(f"Objectives: {FAIL}: {len(missed)} of {len(judged)} are not met ({named})"), "bold red")


def missed_lines(result: Result, missed: Sequence[ObjectiveRecord]) -> Iterator[str]:
    """Yield a line for each objective that is not met."""
    for one in missed:
        yield f"{place_of(result, one)}: {one.objective}: {why_missed(one)}"


def place_of(result: Result, one: ObjectiveRecord) -> str:
    """Return the contestant of an objective, and the setting if there are several."""
    return result.title_of(one.contestant) + at_point(result, one.point)


def why_missed(one: ObjectiveRecord) -> str:
    """Return why an objective is not met: the value, or why there is none."""
    return one.reason or f"it is {spell(one.value, one.unit or 'ratio')}"
