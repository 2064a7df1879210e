"""What all tables of the terminal have in common."""

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

WIDE_HEADING = 9


def table_with(title: str, caption: str, headings: Sequence[str]) -> Table:
    """Return an empty table: a column of names, and one for each heading."""
    table = Table(
        title=escape(title),  # a file from elsewhere may have markup in its title
        caption=escape(caption),
        title_justify="left",
        caption_justify="left",
        min_width=72,
        box=box.SIMPLE_HEAD,
        padding=0,
    )
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(escape(_in_two_lines(heading)), justify="right", no_wrap=True)
    return table


def _in_two_lines(heading: str) -> str:
    """Return a heading that is wider than most values on two lines: a terminal has 80 columns."""
    return heading.replace(" ", "\n", 1) if len(heading) > WIDE_HEADING else heading


def grid() -> Table:
    """Return an empty table without lines, whose last column wraps beside the ones before it."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    return table
