"""Cores: which ones the server, the load and a path's proxy run on, and whether there are enough."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from wirerace.errors import BadInput
from wirerace.experiment.availability import bound_cautions
from wirerace.experiment.model import Experiment, LoadOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import contestants_of
from wirerace.experiment.settings import Study


class Cores(NamedTuple):
    """The cores that each part is bound to; empty means all.

    `is_shared` is true if a load process has the proxy's core, because there are not enough, `reverse_is_shared` if it
    has the reverse proxy's.
    """

    server: Sequence[int]
    load: Sequence[int]
    proxy: Sequence[int] = ()
    is_shared: bool = False
    reverse: Sequence[int] = ()
    reverse_is_shared: bool = False


def cores_of(load_options: LoadOptions, path: NetworkPath, replicas: int = 1) -> Cores:
    """Return the cores of a trial's parts on this machine."""
    server, load = split_cores(replicas) if load_options.pin_cores else ([], [])
    found = Cores(server, load)
    if path.has_reverse_proxy and load:  # it comes first, because it is measured
        left, core, is_shared = _without_one(found.load, load_options.processes)
        found = found._replace(load=left, reverse=core, reverse_is_shared=is_shared)
    if path.has_proxy and load:
        left, core, is_shared = _without_one(found.load, load_options.processes)
        found = found._replace(load=left, proxy=core, is_shared=is_shared)
    return found


def _without_one(load: Sequence[int], processes: int) -> tuple[Sequence[int], Sequence[int], bool]:
    """Return the load's cores without the last one, that one, and whether the load has to share it."""
    return (load[:-1], load[-1:], False) if len(load) > processes else (load, load[-1:], True)


def refuse_quota_beyond(study: Study, cores: int, machine: str = "this machine") -> None:
    """Raise BadInput, naming the key and the cure, when servers are to have more cores than a machine has."""
    for setting in study.settings:
        cpus = setting.experiment.servers.cpus
        if cpus is not None and cpus > cores:
            has = f"the {cores} cores" if cores > 1 else "the 1 core"
            raise BadInput(f"servers.cpus must be at most {has} of {machine}, got {cpus:g}: lower it, or leave it out")


def cautions(study: Study, *, on_this_machine: bool = True) -> list[str]:
    """Return what in an experiment limits nothing, and how this machine will distort its results, a line each."""
    of_quota = [
        f"servers.cpus = {setting.experiment.servers.cpus:g} limits nothing: a server uses one core at most"
        for setting in study.settings
        if (setting.experiment.servers.cpus or 0) > 1
    ]
    of_machine = (
        line
        for setting in (study.settings if on_this_machine else ())
        for contestant in contestants_of(setting.experiment)
        for line in _cautions(setting.experiment, contestant.path)
    )
    return list(dict.fromkeys([*of_quota, *bound_cautions(study), *of_machine]))


def _cautions(experiment: Experiment, path: NetworkPath) -> Iterator[str]:
    load, replicas = experiment.load, experiment.servers.replicas
    processes, found = load.processes, cores_of(load, path, replicas)
    if 0 < len(found.server) < replicas:
        yield (
            f"servers.replicas = {replicas} share {len(found.server)} of {len(usable_cores())} cores: together they "
            "carry no more than these; what a replica costs is still measured"
        )
    if load.address:  # it runs on other hosts
        return
    cores = len(found.load or usable_cores())
    if 1 < processes > cores:
        yield (
            f"load.processes = {processes} on {cores} {'core' if cores == 1 else 'cores'}: they wait for each other, "
            f"which adds milliseconds to latencies and lightens no process's load; set it to {cores}"
        )
    if found.is_shared:
        yield (
            f"the proxy shares core {found.proxy[0]} with the load: it forwards late while the load computes; "
            "use a machine with more cores, or fewer load.processes"
        )
    if found.reverse_is_shared:
        yield (
            f"{path.proxy} shares core {found.reverse[0]} with the load: it forwards late while the load computes; "
            "use a machine with more cores, or fewer load.processes"
        )


def usable_cores() -> list[int]:
    """Return the cores that this process may run on."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def split_cores(replicas: int = 1) -> tuple[list[int], list[int]]:
    """Return the cores for the server and those for the load, which share no hardware core with it if possible.

    Each replica of the server has one if there are enough. Both are empty if processes cannot be bound to cores, or if
    there is only one.
    """
    cores = usable_cores()
    if len(cores) < 2 or not hasattr(os, "sched_setaffinity"):
        return [], []
    left, servers = cores, list[int]()
    for _ in range(replicas):
        server, *others = left
        apart = [core for core in others if core not in _shared_by(server)]
        if servers and not apart:
            break
        servers, left = [*servers, server], apart or others
    return servers, left


def _shared_by(core: int) -> set[int]:
    """Return the cores that are one in hardware with a core."""
    siblings = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    return _core_list(siblings.read_text()) if siblings.exists() else {core}


def _core_list(text: str) -> set[int]:
    """Return the cores in a list such as `0,4-6`."""
    bounds = [part.split("-") for part in text.strip().split(",")]
    return {core for bound in bounds for core in range(int(bound[0]), int(bound[-1]) + 1)}
