"""stdout and stderr that drop what cannot be written: a full disk or a closed terminal must not end a measurement."""

import io
import os
import sys
from typing import Any, TextIO


class Stream(io.FileIO):
    """A file descriptor whose writes never fail. `lost` is the first error of the system, if there was one."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write data, or drop it once an error has come, and return its length."""
        if self.lost is None:
            try:
                return super().write(data)
            except OSError as error:
                self.lost = error
        return len(data)


def open_streams() -> tuple[Stream, Stream]:
    """Replace stdout and stderr by such streams, and return these."""
    for descriptor in (1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # It was closed before the start; the next file that is opened must not take its place.
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    out, err = Stream(1), Stream(2)
    sys.stdout, sys.stderr = _text(out, sys.stdout), _text(err, sys.stderr)
    return out, err


def _text(stream: Stream, like: TextIO | None) -> TextIO:
    """Return a text stream with the encoding of another one; in a terminal, each line is written at once."""
    return io.TextIOWrapper(
        io.BufferedWriter(stream),
        encoding=getattr(like, "encoding", None),
        errors=getattr(like, "errors", None),
        line_buffering=stream.fileno() == 2 or stream.isatty(),
    )
