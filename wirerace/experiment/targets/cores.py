"""Cores: which ones the server and the load run on, and whether they suffice."""

import os
from pathlib import Path

from wirerace.experiment.model import Experiment


def cautions(experiment: Experiment) -> list[str]:
    """Return what this machine will do to the results of an experiment, a line each."""
    processes = experiment.load.processes
    cores = len((experiment.load.pin_cores and split_cores()[1]) or usable_cores())
    if processes == 1 or processes <= cores:
        return []
    caution = (
        f"load.processes = {processes} on {cores} {'core' if cores == 1 else 'cores'}: they wait for each other, which "
        f"adds milliseconds to latencies and takes no load off anybody; set it to {cores}"
    )
    return [caution]


def usable_cores() -> list[int]:
    """Return the cores that this process may run on."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def split_cores() -> tuple[list[int], list[int]]:
    """Return the core for the server and those for the load, which share no hardware core with it, where there are.

    Both are empty where processes cannot be bound to cores, or there is but one.
    """
    cores = usable_cores()
    if len(cores) < 2 or not hasattr(os, "sched_setaffinity"):
        return [], []
    server = cores[0]
    siblings = Path(f"/sys/devices/system/cpu/cpu{server}/topology/thread_siblings_list")
    shared = _core_list(siblings.read_text()) if siblings.exists() else {server}
    return [server], [core for core in cores if core not in shared] or cores[1:]


def _core_list(text: str) -> set[int]:
    """Return the cores in a list such as `0,4-6`."""
    bounds = [part.split("-") for part in text.strip().split(",")]
    return {core for bound in bounds for core in range(int(bound[0]), int(bound[-1]) + 1)}
