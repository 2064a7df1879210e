"""Control groups: a container's CPU time, read from the kernel, because asking the engine takes a second."""

from pathlib import Path

STOPPED = {"T", "t"}
"""States in /proc/<pid>/stat: stopped by a signal, or by a debugger."""
PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def cpu_seconds_of(container: str, pid: int, proc: Path = PROC, groups: Path = GROUPS) -> float | None:
    """Return the CPU time so far of the control group of a container, whose first process is `pid`.

    None if it is not visible, for example with an engine in a virtual machine. There, `pid` is not a process of this
    system, or another one.
    """
    for _, controllers, path in _groups_of(pid, proc):
        if container not in path:
            continue
        place = path.lstrip("/")
        if controllers == "":  # version 2
            found = _number(groups / place / "cpu.stat", "usage_usec ", 1e6)
        elif "cpuacct" in controllers.split(","):
            found = _number(groups / controllers / place / "cpuacct.usage", "", 1e9)
        else:
            continue
        if found is not None:
            return found
    return None


def is_stopped(container: str, pid: int, proc: Path = PROC) -> bool:
    """Return whether a signal has stopped the first process of a container; False if it is not visible."""
    if not any(container in path for _, _, path in _groups_of(pid, proc)):
        return False
    try:
        text = (proc / str(pid) / "stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] in STOPPED


def _groups_of(pid: int, proc: Path) -> list[list[str]]:
    """Return number, controllers and path of each control group that a process is in."""
    try:
        return [line.split(":", 2) for line in (proc / str(pid) / "cgroup").read_text().splitlines()]
    except OSError:
        return []


def _number(file: Path, before: str, per_second: float) -> float | None:
    """Return the number after `before` on a line of a file, in seconds."""
    try:
        text = next(line for line in file.read_text().splitlines() if line.startswith(before))
    except (OSError, StopIteration):
        return None
    return int(text.removeprefix(before)) / per_second
