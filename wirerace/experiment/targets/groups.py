"""Control groups: what a container has spent, read from the kernel; asking the engine takes it a second."""

from pathlib import Path

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def cpu_seconds_of(container: str, pid: int, proc: Path = PROC, groups: Path = GROUPS) -> float | None:
    """Return the CPU time so far of the control group of a container, whose first process is `pid`.

    None where it is not to be seen, as with an engine in a virtual machine: its `pid` is another's here, or nobody's.
    """
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
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


def _number(file: Path, before: str, per_second: float) -> float | None:
    """Return the number behind `before` on a line of a file, in seconds."""
    try:
        text = next(line for line in file.read_text().splitlines() if line.startswith(before))
    except (OSError, StopIteration):
        return None
    return int(text.removeprefix(before)) / per_second
