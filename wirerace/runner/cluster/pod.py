"""Pods as parts of a trial. The kubelet starts a container again that has ended; faults are signals inside of them."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from wirerace.errors import BadInput, TrialFailed
from wirerace.record.samples import Memory
from wirerace.runner.cluster.commands import KUBECTL, kubectl
from wirerace.runner.cluster.forward import Forward, ForwardedPeer
from wirerace.runner.cluster.inside import NODE, NodeOf, PodReader, exec_command
from wirerace.runner.cluster.pods import PodState, PodWatch
from wirerace.runner.outside import finished, last_line
from wirerace.runner.parts.part import LAST_LINES, MOST_RESTARTS, end_of
from wirerace.runner.peer import ANSWER_SECONDS
from wirerace.runner.progress import TICK_SECONDS
from wirerace.stopping import whole

SIGNAL_SECONDS = 10.0  # for a signal to reach a container that is just being started again


class Pod:
    """The main container of one pod."""

    shares_network = False

    def __init__(self, state: PodState, watch: PodWatch) -> None:
        self.name = state.component
        self.restarts = 0
        self.gives_up_at = MOST_RESTARTS
        self._state, self._watch = state, watch
        self._seen = state.ends
        self._reader = PodReader(state.name, state.component)
        self._forwards: dict[int, Forward] = {}
        self._peers: dict[tuple[str, int, str, float], ForwardedPeer] = {}
        self._stalled_until = -math.inf

    @property
    def members(self) -> "Sequence[Pod]":
        """Itself: there are no others."""
        return [self]

    @property
    def state(self) -> PodState:
        """What the cluster said last of it."""
        return self._watch.named(self._state.name) or self._state

    @property
    def host(self) -> str:
        """Its address in the cluster's network, which it keeps when its container is started again."""
        address = self.state.address
        return f"[{address}]" if ":" in address else address

    @property
    def cpus(self) -> float:
        """Its CPU limit in cores; 0 without one."""
        return self._state.cpus

    @property
    def reader(self) -> PodReader:
        """Reads what its kernel says."""
        return self._reader

    def variable(self, name: str) -> str:
        """Return a variable of its environment, empty without one, or with one that is in a secret."""
        return self._state.variable(name)

    def port(self, inside: int) -> int:
        """Return the port of this machine's loopback at which a port of it can be reached.

        Raises TrialFailed when kubectl cannot forward it.
        """
        if inside in self._forwards:
            self._forwards[inside].mend()
        else:
            with whole():
                self._forwards[inside] = Forward(self._state.name, inside)
        return self._forwards[inside].port

    def peer(self, name: str, inside: int, *, token: str = "", answer_seconds: float = ANSWER_SECONDS) -> ForwardedPeer:
        """Return its HTTP side at a port of it, always the same."""
        key = (name, inside, token, answer_seconds)
        if key not in self._peers:
            made = ForwardedPeer(name, lambda: self.port(inside), token=token, answer_seconds=answer_seconds)
            self._peers[key] = made
        return self._peers[key]

    def become(self, state: PodState) -> None:
        """Be another pod from now on, which has taken its place."""
        self.close()
        self._state, self._seen = state, state.ends
        self._reader = PodReader(state.name, state.component)

    def node(self) -> NodeOf:
        """Return what its node is.

        Raises TrialFailed when it cannot be read.
        """
        code, said = self.said("sh", "-c", NODE)
        kernel, count, *models = [*said.splitlines(), "", ""]
        if code or not count.isdigit():
            raise TrialFailed(f"{self.name}: its node cannot be read: {last_line(said)}")
        return NodeOf(kernel, models[0], int(count))

    def said(self, *command: str) -> tuple[int, str]:
        """Run a command in it. Return its exit code and its output.

        Raises TrialFailed when it does not end.
        """
        try:
            done = finished(KUBECTL, exec_command(self._state.name, self.name, *command)[1:])
        except BadInput as error:
            raise TrialFailed(str(error)) from None
        return done.returncode, done.stdout + done.stderr

    def has_ended(self) -> bool:
        """Return whether it has ended since `restart` was called last, or since it was first looked at."""
        found = self._watch.named(self._state.name)
        return found is None or found.is_leaving or found.ends > self._seen

    def restart(self) -> None:
        """Note that it has ended: its kubelet starts it again.

        Raises TrialFailed when the whole pod is gone.
        """
        found = self._watch.named(self._state.name)
        if found is None or found.is_leaving:
            raise self.failure("is gone: somebody, or its cluster, has removed its pod")
        self.restarts += found.ends - self._seen
        self._seen = found.ends
        self._reader.close()  # its shell ended with it, and kubectl does not always notice

    def is_stopped(self) -> bool:
        """Return whether a fault has stopped it. A signal of somebody else is not seen."""
        return time.monotonic() < self._stalled_until

    def kill(self) -> None:
        """Kill its first process at once."""
        self._signal("KILL")
        self._reader.close()  # its shell ends with it, and kubectl does not always notice

    def end(self) -> None:
        """Let its first process end in order. Nothing kills it if it takes too long."""
        self._signal("TERM")

    def fill(self) -> None:
        """Fail: its disk is its node's. The target refuses the fault before the run."""
        raise TrialFailed(f"{self.name}: the disk of a pod cannot be filled")

    def stall(self, seconds: float) -> None:
        """Stop all its processes for a time. A shell in it lets them continue, even without this process."""
        self._signal(f"STOP {seconds:f}")
        self._stalled_until = time.monotonic() + seconds

    def resume(self) -> None:
        """Let its processes continue at once, if they stand still."""
        if self.is_stopped():
            self._stalled_until = -math.inf
            with suppress(TrialFailed):  # it has been killed meanwhile
                self._signal("CONT")

    def own_cpu_seconds(self) -> float | None:
        """Return None: its control group includes the shell that reads it, so its service's own metric is used."""
        return None

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of its control group so far; None if it is not available."""
        found = self._reader.read()
        return None if found is None else found.cpu_seconds

    def memory(self) -> Memory:
        """Return the memory of its control group: its processes' own, and the kernel's for it."""
        found = self._reader.read("memory")
        return Memory(began_ns=0, ended_ns=0, user_bytes=None, socket_bytes=None) if found is None else found.memory

    def failure(self, what: str) -> TrialFailed:
        """Return the error that says what went wrong, with the last lines of its log, or why it cannot start."""
        if trouble := self.state.trouble:
            return TrialFailed(f"{self.name} {what}: {trouble}")
        lines: list[str] = []
        with suppress(BadInput, TrialFailed):
            log = ("logs", self._state.name, "--container", self.name, f"--tail={LAST_LINES + 1}")
            was_restarted = self.state.restarts > 0 and not self.state.runs
            lines = kubectl(*log, *(["--previous"] if was_restarted else [])).splitlines()
            if not lines and self.state.restarts:  # it has just been started again, and has written nothing yet
                lines = kubectl(*log, "--previous").splitlines()
        return TrialFailed(f"{self.name} {what}; its log ends: {end_of(lines)}")

    def stop(self) -> None:
        """Let it continue, if it stands still: it belongs to the release."""
        self.resume()

    def close(self) -> None:
        """End what this machine runs for it."""
        self.resume()
        self._reader.close()
        for peer in self._peers.values():
            peer.let_go()
        for forward in self._forwards.values():
            forward.close()
        self._forwards.clear()

    def _signal(self, what: str) -> None:
        """Let the shell in it send a signal.

        Raises TrialFailed when it does not get there.
        """
        deadline = time.monotonic() + SIGNAL_SECONDS
        while True:
            is_there = self._reader.read() is not None  # an order whose answer is lost must not be given again
            found = self._reader.read(what) if is_there else None
            if found is not None and found.signalled:
                return
            if time.monotonic() > deadline or (is_there and found is None):
                raise TrialFailed(f"{self.name}: no signal reaches it: kubectl exec does not work in its pod")
            time.sleep(TICK_SECONDS)


class PassingPod(Pod):
    """A pod that belongs to a trial, and is removed when it is stopped."""

    def __init__(self, state: PodState, watch: PodWatch, remove: Callable[["PassingPod"], None]) -> None:
        super().__init__(state, watch)
        self._remove = remove

    def stop(self) -> None:
        """Remove it, with all others of its component."""
        self.close()
        self._remove(self)
