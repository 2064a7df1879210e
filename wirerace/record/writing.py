"""Writing a record: a reader sees the old file or the new one, never a part."""

import contextlib
import os
from pathlib import Path

import msgspec

from wirerace.system import blamed_on


def write_json(path: Path, value: object, *, indent: int = 2) -> None:
    """Write `value`. A reader sees the old file or the new one, never a part, and the old file stays on failure.

    Below 0, `indent` leaves out all space. Raises SystemFault when it cannot be written.
    """
    encoded = msgspec.json.encode(value)
    encoded = (encoded if indent < 0 else msgspec.json.format(encoded, indent=indent)) + b"\n"
    partial = path.with_name(path.name + ".part")
    with blamed_on(path):
        try:
            with partial.open("wb") as file:
                file.write(encoded)
                file.flush()
                os.fsync(file.fileno())  # some file systems report a full disk only now
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
