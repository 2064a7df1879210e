"""Cores: which ones the server, the load and a link's proxy run on, and whether they suffice."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wirerace.experiment.model import Experiment


class Cores(NamedTuple):
    """Which cores each part is bound to; empty for all that there are.

    `link` is the proxy's. `is_shared` tells that a load process has the same one: there are not enough.
    """

    server: Sequence[int]
    load: Sequence[int]
    link: Sequence[int] = ()
    is_shared: bool = False


def cores_of(experiment: Experiment) -> Cores:
    """Return the cores of an experiment's parts on this machine."""
    server, load = split_cores() if experiment.load.pin_cores else ([], [])
    if not experiment.link.delay_seconds or not load:
        return Cores(server, load)
    if len(load) > experiment.load.processes:
        return Cores(server, load[:-1], load[-1:])
    return Cores(server, load, load[-1:], is_shared=True)


def cautions(experiment: Experiment) -> list[str]:
    """Return what this machine will do to the results of an experiment, a line each."""
    processes, found = experiment.load.processes, cores_of(experiment)
    cores = len(found.load or usable_cores())
    lines = []
    if 1 < processes > cores:
        lines.append(
            f"load.processes = {processes} on {cores} {'core' if cores == 1 else 'cores'}: they wait for each other, "
            f"which adds milliseconds to latencies and takes no load off anybody; set it to {cores}"
        )
    if found.is_shared:
        lines.append(
            f"the link's proxy shares core {found.link[0]} with the load: it forwards late while the load computes; "
            "use a machine with more cores, or fewer load.processes"
        )
    return lines


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
