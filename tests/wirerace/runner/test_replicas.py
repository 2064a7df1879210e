"""Replicas as one part: sums of what they take, and each of them where a fault or a failure names one."""

from typing import Any

import pytest

from wirerace.errors import TrialFailed
from wirerace.record.samples import Memory
from wirerace.runner.parts.replicas import Replicas, ReplicasPeer, each_of, peers_of
from wirerace.runner.peer import Peer


class Fake:
    """A part that says what it is told, and notes what is done to it."""

    shares_network, gives_up_at = True, 3

    def __init__(self, name: str, cpu: float | None, user: int | None, kernel_of: str = "machine") -> None:
        self.name, self._cpu, self._user, self._kernel_of = name, cpu, user, kernel_of
        self.restarts, self.done, self.ended = 0, list[str](), False

    def own_cpu_seconds(self) -> float | None:
        return self._cpu

    cpu_seconds = own_cpu_seconds

    def memory(self) -> Memory:
        about: Any = self._kernel_of
        return Memory(began_ns=1, ended_ns=2, user_bytes=self._user, socket_bytes=10, slab_bytes=5, kernel_of=about)

    def has_ended(self) -> bool:
        return self.ended

    def is_stopped(self) -> bool:
        return "stall" in self.done

    def failure(self, what: str) -> TrialFailed:
        return TrialFailed(f"{self.name} {what}")

    def kill(self) -> None:
        self.done.append("kill")

    def stall(self, seconds: float) -> None:  # noqa: ARG002 -- as a part has it
        self.done.append("stall")

    def restart(self) -> None:
        self.restarts, self.ended = self.restarts + 1, False

    def stop(self) -> None:
        self.done.append("stop")


def replicas(*parts: Any) -> Replicas:
    return Replicas(parts)


@pytest.mark.parametrize(("kernel_of", "sockets"), [("machine", 10), ("container", 20)])
def test_costs_are_sums_and_the_machines_memory_is_none(kernel_of: str, sockets: int) -> None:
    found = replicas(Fake("a", 1.5, 100, kernel_of), Fake("b", 2.0, 50, kernel_of))

    assert (3.5, 3.5) == (found.cpu_seconds(), found.own_cpu_seconds())
    memory = found.memory()
    assert (150, sockets, kernel_of) == (memory.user_bytes, memory.socket_bytes, memory.kernel_of)


def test_sum_with_something_unknown_is_unknown() -> None:
    found = replicas(Fake("a", 1.5, None), Fake("b", None, 50))

    assert (None, None) == (found.cpu_seconds(), found.memory().user_bytes)


def test_fault_happens_to_the_first_one_and_any_death_is_seen() -> None:
    first, second = Fake("a", 1, 1), Fake("b", 1, 1)
    found = replicas(first, second)
    found.gives_up_at += 1
    found.kill()
    found.stall(1.0)
    second.ended = True

    assert (4, 3) == (first.gives_up_at, second.gives_up_at)
    assert (["kill", "stall"], [], True, True) == (first.done, second.done, found.is_stopped(), found.has_ended())
    assert "b died" == str(found.failure("died"))
    found.restart()
    assert (0, 1, 1) == (first.restarts, second.restarts, found.restarts)
    found.stop()
    assert ["stop", "stop"] == [part.done[-1] for part in (first, second)]


def test_metrics_are_sums_of_what_all_have(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = [Peer("sse", 1), Peer("sse", 2)]
    said = {1: {"a": 1.0, "b": 2.0}, 2: {"a": 10.0}}
    monkeypatch.setattr(Peer, "metrics", lambda self: dict(said[self.port]))
    found = ReplicasPeer(peers)

    assert {"a": 11.0} == found.metrics()
    assert ([1, 2], [1]) == ([peer.port for peer in peers_of(found)], [peer.port for peer in peers_of(peers[0])])


def test_one_server_is_its_only_replica() -> None:
    alone: Any = Fake("a", 1, 1)
    several = replicas(alone, Fake("b", 1, 1))
    part: Any = several

    assert ([alone], 2) == (list(each_of(alone)), len(each_of(part)))
