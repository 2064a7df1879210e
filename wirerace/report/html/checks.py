"""The checks of a reproduction: each published value beside the measured one."""

from collections.abc import Sequence
from typing import NamedTuple

from wirerace.errors import cut, printable
from wirerace.report.reproduction import MARKS
from wirerace.report.spelling import spell
from wirerace.reproductions.record import ReproductionRecord

MOST_CELL, MOST_TEXT = 320, 2000


class CheckRow(NamedTuple):
    """A published value beside the measured one, as people read them."""

    what: str
    published: str
    measured: str
    tolerance: str
    mark: str


class ReproducedValues(NamedTuple):
    """What a reproduction compares: the source, what was run here, each check, and what it shows."""

    name: str
    outcome: str
    level: str
    source: str
    setup: str
    checks: Sequence[CheckRow]
    words: str


def reproduced_values(record: ReproductionRecord) -> ReproducedValues:
    """Return the values of a reproduction."""
    level = "care" if not record.valid else "good" if record.outcome == "PASS" else "bad"
    return ReproducedValues(
        name=_cut(record.name),
        outcome=record.outcome,
        level=level,
        source=_cut(record.source),
        setup=_cut(record.setup),
        checks=[
            CheckRow(
                what=_cut(one.what, MOST_CELL),
                published=_cut(one.published, MOST_CELL),
                measured=spell(one.measured, one.unit),
                tolerance=_cut(one.tolerance, MOST_CELL),
                mark=MARKS[one.passed],
            )
            for one in record.checks
        ],
        words=_cut(record.words),
    )


def _cut(text: str, most: int = MOST_TEXT) -> str:
    return cut(printable(text), most)
