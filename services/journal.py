"""The journal: lines in a file that outlive the process. What cannot be written is reported and marked as missing."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from services.troubles import Troubles

GAP = b'{"gap":true}'
"""The line that stands for lines that could not be written."""
RETRY_SECONDS = 1.0

Steady = Callable[[], float]


class Line(NamedTuple):
    """One line of an earlier process, and its place in the file."""

    place: str
    text: bytes


class Journal:
    """Appends to a file. `rotate` begins a new file, and the one so far becomes the older one.

    A batch of lines is in the file whole or not at all. If a batch cannot be written, because the disk is full or gone,
    the service has a trouble. A gap is marked, lines are dropped, and writing is tried again once a second. When it
    succeeds, the lines of `preface` come first.
    """

    def __init__(self, path: Path, troubles: Troubles, preface: Callable[[], list[bytes]], steady: Steady) -> None:
        """Open the file. Raises OSError when it cannot be opened."""
        self.path = path
        self.dropped = 0
        self._troubles = troubles
        self._preface = preface
        self._steady = steady
        self._pending: list[bytes] = []
        self._retry_at = 0.0
        self._fd = -1
        self._end = self._last = 0  # where the last whole line ends and begins
        self._open()

    def write(self, line: bytes) -> None:
        """Add a line, which the next flush writes."""
        self._pending.append(line)

    def flush(self) -> None:
        """Hand all lines to the kernel, so that they outlive this process."""
        lines, self._pending = self._pending, []
        if self.is_failing and self._steady() < self._retry_at:
            self.dropped += len(lines)
        elif lines or self.is_failing:
            try:
                self._open()
                if self.is_failing:
                    self._cut(self._end)
                    lines = [*self._preface(), *lines]
                self._append(lines)
            except OSError as error:
                self.dropped += len(lines)
                self._fail(error)

    @property
    def is_failing(self) -> bool:
        """Return whether the last batch could not be written."""
        return self._retry_at > 0

    def rotate(self) -> None:
        """Begin a new file; the one so far takes the place of the older one.

        Raises OSError when it cannot be moved; then writing continues in it.
        """
        self.path.replace(older(self.path))
        self.close()

    def close(self) -> None:
        """Close the file; the next flush opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        """Open the file for appending, after ending a line that a killed process may have left unfinished."""
        if self._fd >= 0:
            return
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            self._end = self._last = os.lseek(fd, 0, os.SEEK_END)
            if self._end and os.pread(fd, 1, self._end - 1) != b"\n":
                _write_whole(fd, b"\n")
                self._end = self._last = self._end + 1
        except OSError:
            os.close(fd)
            raise
        self._fd = fd

    def _append(self, lines: list[bytes]) -> None:
        batch = b"\n".join([*lines, b""])
        _write_whole(self._fd, batch)
        self._end += len(batch)
        self._last = self._end - len(lines[-1]) - 1
        if self.is_failing:
            self._troubles.end("record", f"{self.path}: written again; {self.dropped} lines are missing in it")
        self._retry_at = 0.0
        self.dropped = 0

    def _fail(self, error: OSError) -> None:
        was_failing, self._retry_at = self.is_failing, self._steady() + RETRY_SECONDS
        self._troubles.begin(
            "record",
            f"{self.path}: {error.strerror or error}: updates are made and not recorded; free some space, or begin "
            "again with another --record-file",
        )
        if not was_failing:
            with contextlib.suppress(OSError):
                self._mark_gap()

    def _mark_gap(self) -> None:
        """End the file with the line of a gap. It replaces the last line when there is no space for both."""
        before_last = self._last
        self._cut(self._end)
        try:
            _write_whole(self._fd, GAP + b"\n")
        except OSError:
            self._cut(before_last)
            self.dropped += 1
            _write_whole(self._fd, GAP + b"\n")
        self._end += len(GAP) + 1

    def _cut(self, end: int) -> None:
        """Drop what is after `end`: a part of a line, for example."""
        os.ftruncate(self._fd, end)
        self._end = self._last = end


def lines_of(path: Path) -> Iterator[Line]:
    """Yield the lines of a file, none when there is no file. Raises OSError when it cannot be read."""
    if path.exists():
        with path.open("rb") as lines:
            for number, text in enumerate(lines, 1):
                yield Line(f"{path}:{number}", text)


def older(path: Path) -> Path:
    """Return the file that a journal's file becomes."""
    return path.with_name(path.name + ".old")


def _write_whole(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
