"""Several servers of one contestant as one part of a trial: their costs are sums, and each can be looked at."""

from collections.abc import Sequence

from wirerace.errors import TrialFailed
from wirerace.record.samples import Memory
from wirerace.runner.parts.part import Part
from wirerace.runner.peer import Peer


class Replicas:
    """The replicas of a server, at least two. What a fault does to a server, it does to the first one of them."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.name = parts[0].name
        self.shares_network = parts[0].shares_network

    @property
    def members(self) -> Sequence[Part]:
        """All of them."""
        return self.parts

    @property
    def restarts(self) -> int:
        """How often any of them has been started again."""
        return sum(part.restarts for part in self.parts)

    @property
    def gives_up_at(self) -> int:
        """The number of restarts of the first one at which the trial fails."""
        return self.parts[0].gives_up_at

    @gives_up_at.setter
    def gives_up_at(self, number: int) -> None:
        self.parts[0].gives_up_at = number

    def has_ended(self) -> bool:
        """Return whether any of them ended."""
        return any(part.has_ended() for part in self.parts)

    def is_stopped(self) -> bool:
        """Return whether any of them stands still."""
        return any(part.is_stopped() for part in self.parts)

    def failure(self, what: str) -> TrialFailed:
        """Return the error that says what went wrong: with the first one that ended, or with the first of all."""
        return next((part for part in self.parts if part.has_ended()), self.parts[0]).failure(what)

    def own_cpu_seconds(self) -> float | None:
        """Return the CPU time of all of them, read from outside; None if one is not known so."""
        return _sum([part.own_cpu_seconds() for part in self.parts])

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of everything in them; None if one is not available."""
        return _sum([part.cpu_seconds() for part in self.parts])

    def memory(self) -> Memory:
        """Return their memory: the sum of their own; the kernel's is a sum only where each has a part of it."""
        found = [part.memory() for part in self.parts]
        first, is_sum = found[0], found[0].kernel_of == "container"
        return Memory(
            began_ns=first.began_ns,
            user_bytes=_bytes([one.user_bytes for one in found]),
            socket_bytes=_bytes([one.socket_bytes for one in found]) if is_sum else found[-1].socket_bytes,
            slab_bytes=_bytes([one.slab_bytes for one in found]) if is_sum else found[-1].slab_bytes,
            kernel_of=first.kernel_of,
            ended_ns=found[-1].ended_ns,
        )

    def kill(self) -> None:
        """Kill the first one."""
        self.parts[0].kill()

    def end(self) -> None:
        """Let the first one end in order."""
        self.parts[0].end()

    def fill(self) -> None:
        """Fail: only a producer keeps a record."""
        self.parts[0].fill()

    def stall(self, seconds: float) -> None:
        """Stop the first one from now on for a time."""
        self.parts[0].stall(seconds)

    def resume(self) -> None:
        """Make those continue that stand still."""
        for part in self.parts:
            part.resume()

    def restart(self) -> None:
        """Start those again that have ended."""
        for part in self.parts:
            if part.has_ended():
                part.restart()

    def stop(self) -> None:
        """End all of them, in their order."""
        for part in self.parts:
            part.stop()


class ReplicasPeer(Peer):
    """The HTTP sides of the replicas of a server. A request that is no sum goes to the first one."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        super().__init__(peers[0].name, peers[0].port)
        self.peers = peers

    def is_up(self, path: str = "/health") -> bool:
        """Return whether all of them answer a path with 200."""
        return all(peer.is_up(path) for peer in self.peers)

    def metrics(self) -> dict[str, float]:
        """Return the sums of their metrics now, those that all of them have.

        Raises TrialFailed when one has none, and later for each missing one that is looked up.
        """
        first, *others = [peer.metrics() for peer in self.peers]
        for name in list(first):
            if all(name in other for other in others):
                first[name] += sum(other[name] for other in others)
            else:
                del first[name]
        return first


def each_of(part: Part) -> Sequence[Part]:
    """Return the replicas of a server, or the one server that there is."""
    return part.parts if isinstance(part, Replicas) else [part]


def peers_of(peer: Peer) -> Sequence[Peer]:
    """Return the HTTP side of each replica, or of the one server that there is."""
    return peer.peers if isinstance(peer, ReplicasPeer) else [peer]


def replicas_of(part: Part, peer: Peer) -> list[tuple[Part, Peer]]:
    """Return the replicas of a server, each with its HTTP side; empty with one server."""
    return list(zip(part.parts, peers_of(peer), strict=True)) if isinstance(part, Replicas) else []


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _bytes(values: Sequence[int | None]) -> int | None:
    found = _sum(values)
    return None if found is None else int(found)
