"""What the system refuses (space, permission, open files), as one line that names the place and the cure."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from wirerace.errors import SystemFault

NO_SPACE = "free some space, or write to another disk"
NO_PERMISSION = "write to another directory, which --out names"
CURES = {
    errno.ENOSPC: NO_SPACE,
    errno.EDQUOT: NO_SPACE,
    errno.EROFS: NO_PERMISSION,
    errno.EACCES: NO_PERMISSION,
    errno.EPERM: NO_PERMISSION,
    errno.ENOENT: "its directory does not exist, or not any more",
    errno.EFBIG: "raise the limit on the size of files: ulimit -f",
    errno.EMFILE: "raise the limit on open files: ulimit -n",
    errno.ENFILE: "close programs that hold many files open on this machine",
    errno.EIO: "look for the kernel's messages about the disk: dmesg",
}


def fault_of(error: OSError, place: object = None) -> SystemFault:
    """Return an error of the system as a user's line, about a place, or about the file that the error names."""
    where = place or error.filename
    said = os.strerror(error.errno) if error.errno else str(error)
    parts = [f"{where}: {said}" if where else said, CURES.get(error.errno or 0)]
    return SystemFault("; ".join(part for part in parts if part))


@contextmanager
def blamed_on(place: object) -> Iterator[None]:
    """Raise SystemFault, about a place, for every error of the system in this block."""
    try:
        yield
    except OSError as error:
        raise fault_of(error, place) from None
