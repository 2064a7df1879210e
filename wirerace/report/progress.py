"""Progress of a run: in a terminal a line for each contestant, with age as a sparkline; plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from wirerace.errors import printable
from wirerace.report.bars import sparkline
from wirerace.report.spelling import spell
from wirerace.runner.progress import Progress

PLAIN_SECONDS = 5.0
"""How often a plain line is written while a phase lasts."""

SPARK_COLUMNS = 40
"""The most ages that a sparkline shows, one a second: the newest."""


@contextmanager
def progress_display() -> Iterator[Callable[[Progress], None]]:
    """Yield a function to call with each progress; it writes to stderr."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield _PlainLines().show
        return
    with Live(console=console, transient=True, refresh_per_second=4) as live:
        ages = Ages()
        yield lambda progress: live.update(ages.show(progress))


def line_of(progress: Progress) -> str:
    """Return one line: which trial, its phase, clients, deliveries a second, time left."""
    left = round(progress.left_seconds)
    there = (
        f"{progress.connected} visitors"
        if progress.clients is None
        else f"{progress.connected}/{progress.clients} clients"
    )
    return (
        f"[{progress.number}/{progress.total}] {progress.plan.title}: {progress.phase} · {there} · "
        f"{progress.deliveries_per_second:.0f} deliveries/s · "
        f"{left // 60}:{left % 60:02d} left"
    )


class Ages:
    """The ages of every contestant's newest trial, for a line each below the line of progress."""

    def __init__(self) -> None:
        self._trial = 0
        self._ages: dict[str, list[float]] = {}

    def show(self, progress: Progress) -> Text:
        """Return the line of progress, and a line for each contestant that has been measured, or is being measured."""
        title = progress.plan.contestant.title
        if progress.number != self._trial:
            self._trial = progress.number
            self._ages[title] = []
        if progress.age_seconds is not None:
            self._ages[title].append(progress.age_seconds)
        shown = {name: ages for name, ages in self._ages.items() if ages}
        most = max((age for ages in shown.values() for age in ages), default=0.0)
        width = max(map(len, shown), default=0)
        lines = [
            f"  {printable(name):<{width}}  age {spell(ages[-1], 'seconds'):>7} {sparkline(ages, most, SPARK_COLUMNS)}"
            for name, ages in shown.items()
        ]
        return Text("\n".join([line_of(progress), *lines]), no_wrap=True, overflow="ellipsis")


class _PlainLines:
    """A line for each new phase, and one from time to time."""

    def __init__(self) -> None:
        self._last_phase = ""
        self._last_left = 0.0

    def show(self, progress: Progress) -> None:
        phase = f"{progress.number} {progress.phase}"
        if phase != self._last_phase or self._last_left - progress.left_seconds >= PLAIN_SECONDS:
            self._last_phase, self._last_left = phase, progress.left_seconds
            sys.stderr.write(line_of(progress) + "\n")
