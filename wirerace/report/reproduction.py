"""The report of a reproduction: each published value beside the measured one, and words."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from wirerace.errors import printable
from wirerace.report.spelling import spell
from wirerace.reproductions.check import Check, Reproduction

MARKS = {True: "PASS", False: "FAIL", None: ""}


def checks_of(reproduction: Reproduction, checks: Sequence[Check]) -> Table:
    """Return a row for each check. Long cells wrap, because a terminal may have 80 columns."""
    table = Table(
        title=f"{reproduction.name}: {reproduction.line}",
        caption=f"{reproduction.source}\nHere: {reproduction.setup}.",
        title_justify="left",
        caption_justify="left",
        min_width=72,
        box=box.SIMPLE_HEAD,
    )
    table.add_column("")
    for heading in ("published", "measured", "may be"):
        table.add_column(heading, justify="right")
    table.add_column("", no_wrap=True)
    for check in checks:
        measured = Text(spell(check.measured, check.unit), no_wrap=True)
        what, published, tolerance = (Text(printable(text)) for text in (check.what, check.published, check.tolerance))
        table.add_row(what, published, measured, tolerance, MARKS[check.passed])
    return table


def words_of(reproduction: Reproduction) -> Text:
    """Return what it shows and what it does not."""
    return Text(reproduction.words)
