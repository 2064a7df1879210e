"""Progress of a run: one line that moves in a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from wirerace.runner.progress import Progress

PLAIN_SECONDS = 5.0
"""How often a plain line is written while a phase lasts."""


@contextmanager
def progress_display() -> Iterator[Callable[[Progress], None]]:
    """Yield a function to call with each progress; it writes to stderr."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield _PlainLines().show
        return
    with Live(console=console, transient=True, refresh_per_second=4) as live:
        yield lambda progress: live.update(Text(line_of(progress), no_wrap=True, overflow="ellipsis"))


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
