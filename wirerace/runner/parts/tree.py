"""A process with its children, as one: nginx has workers, and a cluster of Node.js has, too."""

import contextlib
from collections.abc import Iterator, Sequence

import psutil

from wirerace.clock import now_ns, process_cpu_seconds
from wirerace.host.machine import slab_bytes, socket_bytes
from wirerace.observe.usage import waited_seconds_of
from wirerace.record.samples import Memory


def processes_of(pid: int) -> list[psutil.Process]:
    """Return a process and all below it; none if it has ended."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def tree_cpu_seconds(pid: int) -> float | None:
    """Return the CPU time so far of a process, its children and theirs; None if it has ended.

    Children that have ended count as soon as their parent has learned of it, to 10 ms.
    """
    found = list(_cpu_seconds(pid))
    return sum(found) if found else None


def tree_waited_seconds(pid: int) -> float | None:
    """Return how long the main threads of these processes were ready to run and had no core; None if not known."""
    known = [waited for one in processes_of(pid) if (waited := waited_seconds_of(one.pid)) is not None]
    return sum(known) if known else None


def _cpu_seconds(pid: int) -> Iterator[float]:
    for process in processes_of(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            own = process_cpu_seconds(process.pid)
            yield times.user + times.system if own is None else own
            yield getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)


def tree_memory(pid: int | None) -> Memory:
    """Return the memory of a process and those below it, as `memory_of`."""
    return memory_of([] if pid is None else [one.pid for one in processes_of(pid)])


def memory_of(pids: Sequence[int]) -> Memory:
    """Return the memory that processes do not share with others (USS), and that of all TCP sockets of the machine.

    Without a process, or without permission, their own memory is not known.
    """
    began_ns, user_bytes = now_ns(), None
    with contextlib.suppress(psutil.Error):
        own = [int(psutil.Process(pid).memory_full_info().uss) for pid in pids]
        user_bytes = sum(own) if own else None
    return Memory(
        began_ns=began_ns,
        user_bytes=user_bytes,
        socket_bytes=socket_bytes(),
        slab_bytes=slab_bytes(),
        ended_ns=now_ns(),
    )
