"""A CPU quota for a process: a control group of its own, of version 1 or 2."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wirerace.errors import BadInput, TrialFailed

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
PERIOD_US = 100_000  # that of Docker and Kubernetes: a process that has used its part waits for the rest of it
OTHERWISE = "use --on compose, or run it as a user who may make control groups"
MOUNTS = ("cpu", "cpu,cpuacct")
"""The usual places of the cpu controller, version 1."""


class Quota:
    """A control group that gives what is in it `cpus` cores' worth of time in every 0.1 s. It ends with `remove`."""

    def __init__(self, cpus: float, proc: Path = PROC, groups: Path = GROUPS) -> None:
        """Make the group below that of this process, or below the nearest one around it in which that is possible.

        Raises BadInput, with the reason and the cure, when there is none.
        """
        name, reason = f"wirerace-{secrets.token_hex(4)}", "no control group of this process counts CPU time"
        for parent in _parents(proc, groups):
            group = parent / name
            try:
                group.mkdir()
            except OSError as error:
                reason = f"{parent}: {error.strerror}"
                continue
            try:
                _limit(group, cpus)
                _try_it(group)
            except OSError as error:
                reason = f"{group}: {error.strerror}"
                with suppress(OSError):
                    group.rmdir()
                continue
            self._group = group
            return
        raise BadInput(f"servers.cpus needs a control group: {reason}: {OTHERWISE}")

    def take(self, pid: int) -> None:
        """Put a process into the group.

        Raises TrialFailed when the kernel refuses.
        """
        try:
            _move(pid, self._group)
        except OSError as error:
            if error.errno is not None and not _is_there(pid):
                return  # it has ended; the code that waits for it says why
            raise TrialFailed(f"a process cannot be put into {self._group}: {error.strerror}") from None

    def remove(self) -> None:
        """Remove the group; its processes have ended."""
        with suppress(OSError):
            self._group.rmdir()


def _parents(proc: Path, groups: Path) -> Iterator[Path]:
    """Yield the groups below which one with a quota may be made, the process's own first, then those around it."""
    try:
        lines = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controllers and "cpu" not in controllers.split(","):
            continue
        for mount in dict.fromkeys([controllers, *MOUNTS]) if controllers else ("", "unified"):
            place = groups / mount / path.lstrip("/")
            around = [one for one in [place, *place.parents] if one.is_relative_to(groups / mount)]
            yield from (one for one in around if (one / "cgroup.procs").exists())


def _limit(group: Path, cpus: float) -> None:
    quota = max(1000, round(cpus * PERIOD_US))  # the kernel takes 1 ms at least
    if (group / "cpu.max").exists():
        (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota))


def _try_it(group: Path) -> None:
    """Put a process that does nothing into a group, and end it.

    Raises OSError when the kernel refuses: a group may be made by users who may move no process.
    """
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as waiting:
        try:
            _move(waiting.pid, group)
        finally:
            waiting.kill()


def _move(pid: int, group: Path) -> None:
    (group / "cgroup.procs").write_text(str(pid))


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
