"""The directory of a run: one run claims it, and writes to it trial by trial."""

import contextlib
import errno
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from wirerace.errors import BadInput, SystemFault, TrialFailed, WireraceError
from wirerace.record.reading import read_raw
from wirerace.record.result import FILE_NAME, Raw, Result
from wirerace.record.writing import write_json
from wirerace.stopping import Stopped
from wirerace.system import blamed_on

RESULTS = Path("results")
LATEST = RESULTS / "latest"
LOGS, RAW = "logs", "raw"


class RunDirectory:
    """The directory of one run: `path`, which is in results/ if `is_default`."""

    def __init__(self, path: Path, *, is_default: bool = False) -> None:
        self.path = path
        self._is_default = is_default

    @property
    def result_file(self) -> Path:
        """The path of the result, which exists once a trial has finished."""
        return self.path / FILE_NAME

    def save_raw(self, name: str, raw: Raw) -> None:
        """Save the raw record of a trial.

        Raises SystemFault when that cannot be done.
        """
        with blamed_on(self.path / RAW):
            (self.path / RAW).mkdir(exist_ok=True)
        write_json(self.path / RAW / f"{name}.json", raw, indent=-1)  # nobody reads it, and it is the largest file

    def raw(self, name: str) -> Raw:
        """Return the raw record of a trial.

        Raises BadInput when it is missing.
        """
        return read_raw(self.path / RAW / f"{name}.json")

    def save(self, result: Result) -> None:
        """Save the result as it is now. From its first trial on, `results/latest` points at its directory.

        Raises SystemFault when it cannot be saved. A link that cannot be made only adds a warning.
        """
        write_json(self.result_file, result)
        if self._is_default and result.trials:
            self._is_default = False
            try:
                _point(LATEST, self.path.name)
            except OSError as error:
                result.warnings.append(f"{LATEST} does not point at this run: {error.strerror or error}")


@contextmanager
def claimed(name: str, out: Path | None = None) -> Iterator[RunDirectory]:
    """Yield the directory of a run, `out` or a new one in results/, which no other run uses.

    An exception that ends the run gets a note of what is kept. A directory that is still empty at the end is removed.

    Raises BadInput when `out` is not empty or is no directory, SystemFault when it cannot be written to.
    """
    with _usable(out or RESULTS):
        path, is_new = _new_in_results(name) if out is None else _made(out)
        _take(path)
    directory = RunDirectory(path, is_default=out is None)
    try:
        with _only(path):
            yield directory
    except (Stopped, WireraceError, OSError) as error:
        if directory.result_file.exists():
            error.add_note(f"what was finished is in {path}: continue with --resume {path}")
        raise
    finally:
        with contextlib.suppress(OSError):  # it is not empty, or is gone
            (path / LOGS).rmdir()
            if is_new:
                path.rmdir()


@contextmanager
def resumed(path: Path) -> Iterator[RunDirectory]:
    """Yield the directory of an interrupted run, to be continued; no other run can use it meanwhile.

    Raises BadInput when another run is writing to it.
    """
    with _only(path):
        try:
            yield RunDirectory(path)
        except (Stopped, TrialFailed, SystemFault, OSError) as error:
            error.add_note(f"what was finished is in {path}: continue with --resume {path}")
            raise


@contextmanager
def _only(path: Path) -> Iterator[None]:
    """Lock a directory while this process has it open.

    Raises BadInput when another process has locked it.
    """
    if sys.platform == "win32":  # it has no such locks
        yield
        return
    import fcntl  # noqa: PLC0415 -- there is none on Windows

    if not path.is_dir():
        raise BadInput(f"{path}: No such directory: give that of a run")
    with blamed_on(path):
        descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"{path}: another run is writing to it; wait until it has ended") from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        with blamed_on(path):
            yield
    except SystemFault as fault:
        if isinstance(fault.__context__, FileExistsError | NotADirectoryError):
            raise BadInput(f"{path}: Not a directory; name another with --out") from None
        raise


def _new_in_results(name: str) -> tuple[Path, bool]:
    """Return a new directory, named by the current time; another run may start in the same second."""
    RESULTS.mkdir(exist_ok=True)
    path = first = RESULTS / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for number in itertools.count(2):
        try:
            path.mkdir()
            break
        except FileExistsError:
            path = first.with_name(f"{first.name}-{number}")
    return path, True


def _made(path: Path) -> tuple[Path, bool]:
    """Return a directory and whether it had to be made."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        if not path.is_dir():
            raise
        return path, False
    return path, True


def _take(path: Path) -> None:
    """Make the folder for logs, in which only one run can succeed.

    Raises BadInput when the directory is not empty.
    """
    taken = BadInput(f"--out {path} holds something already: name a new directory")
    try:
        (path / LOGS).mkdir()
    except FileExistsError:
        raise taken from None
    if any(entry.name != LOGS for entry in path.iterdir()):
        (path / LOGS).rmdir()
        raise taken


def _point(link: Path, target: str) -> None:
    """Point a link at a neighbour, atomically. Something else in its place belongs to the user, and stays.

    Raises OSError when the link cannot be made.
    """
    if link.exists() and not link.is_symlink():
        raise FileExistsError(errno.EEXIST, "it is no link, and stays as it is")
    beside = link.with_name(f".{link.name}-{target}")
    try:
        beside.symlink_to(target)
        beside.replace(link)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
