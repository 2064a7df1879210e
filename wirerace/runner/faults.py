"""The timeline of faults: what goes wrong in the window, and when, on processes or containers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND, now_ns, to_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.faults import Fault, FaultPlace
from wirerace.observe.account import CutRequest, Window
from wirerace.observe.outages import FaultMark
from wirerace.record.faults import FaultTime
from wirerace.runner.parts.part import Part
from wirerace.runner.peer import Peer


class Reach(NamedTuple):
    """What faults can happen to: parts, and the ports at which load, producer and proxy take orders.

    `replicas` are those of the server, each with its HTTP side; empty with one.
    """

    parts: Mapping[FaultPlace, Part]
    load: Peer
    producer: Peer
    proxy: Peer | None = None
    replicas: Sequence[tuple[Part, Peer]] = ()


class Ending(NamedTuple):
    """A part that was told at an instant to end in order, because of a fault, and has not ended yet."""

    number: int
    part: Part
    from_ns: int
    rolling: "Rolling | None" = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or each of its replicas has, one after the other."""
        return self.part.has_ended() if self.rolling is None else self.rolling.goes_on()


class Rolling:
    """A rolling restart: each replica is told to end as soon as the one before answers again."""

    def __init__(self, replicas: Sequence[tuple[Part, Peer]]) -> None:
        self._left = list(replicas)
        self._told: tuple[Part, Peer] | None = None
        self._has_ended = False
        self._tell_next()

    def goes_on(self) -> bool:
        """Go on if the replica that was told has ended and answers again; return whether the last one has ended."""
        if self._told is None:
            return True
        part, peer = self._told
        self._has_ended = self._has_ended or part.has_ended()
        if not self._has_ended or (self._left and not (not part.has_ended() and peer.is_up())):
            return False
        self._tell_next()
        return self._told is None

    def _tell_next(self) -> None:
        self._has_ended = False
        self._told = self._left.pop(0) if self._left else None
        if self._told is not None:
            part = self._told[0]
            part.gives_up_at += 1  # a death that the experiment asks for
            part.end()


class Timeline:
    """The faults of one trial. `happened` says when each of them did."""

    def __init__(self, faults: Sequence[Fault], window: Window, reach: Reach) -> None:
        self._faults = sorted(enumerate(faults), key=lambda item: item[1].at_seconds)
        self._window = window
        self._reach = reach
        self._ending: list[Ending] = []
        self.happened: list[FaultTime] = []

    @property
    def is_ending(self) -> bool:
        """Whether a part is still to end that was told to."""
        return bool(self._ending)

    def look(self) -> None:
        """Note which parts have ended that were told to. Their target starts them again only after that."""
        if self._ending:
            self._note_ended([one for one in self._ending if one.is_over])

    def _note_ended(self, ended: Sequence[Ending]) -> None:
        ended_ns = now_ns()
        for one in ended:
            self._note(FaultTime(one.number, one.from_ns, ended_ns, ended_ns), ended_ns)
        self._ending = [one for one in self._ending if one not in ended]

    def __iter__(self) -> Iterator[tuple[int, Callable[[], None]]]:
        """Yield what to do at which time, Unix nanoseconds, in order.

        Each may raise TrialFailed, when a part does not do as it is told.
        """
        steps: list[tuple[int, Callable[[], None]]] = []
        for number, fault in self._faults:
            at_ns = self._window.from_ns + to_ns(fault.at_seconds)
            steps.append((at_ns, lambda number=number, fault=fault: self._happen(number, fault)))  # type: ignore[misc]
            if fault.kind == "fill":
                steps.append((at_ns + to_ns(fault.lasts_seconds), self._reach.parts[fault.on].resume))
        yield from sorted(steps, key=lambda step: step[0])

    def finish(self) -> list[FaultTime]:
        """Return when each fault happened, in that order; one whose part has not ended yet lasts until now."""
        self._note_ended(self._ending)
        return self.happened

    def _happen(self, number: int, fault: Fault) -> None:
        """Make a fault happen now, and let the load note which clients recover from it."""
        self._refuse_if_ending(number, fault)
        from_ns = now_ns()
        if fault.kind == "restart" and fault.on == "server" and self._reach.replicas:
            rolling = Rolling(self._reach.replicas)
            self._ending.append(Ending(number, self._reach.parts[fault.on], from_ns, rolling))
            return
        cuts = self._do(fault)
        done_ns = now_ns()
        if fault.kind == "restart":
            self._ending.append(Ending(number, self._reach.parts[fault.on], from_ns))
            return
        lasts_ns = 0 if fault.kind == "fill" else to_ns(fault.lasts_seconds)  # a full disk keeps no update away
        self._note(FaultTime(number, from_ns, done_ns, max(done_ns, from_ns + lasts_ns), cuts))

    def _note(self, time: FaultTime, until_ns: int = 0) -> None:
        """Note when a fault happened; the load notes which clients recover from it."""
        self.happened = sorted([*self.happened, time], key=lambda one: one.from_ns)
        mark = FaultMark(time.number, time.from_ns, time.after_ns, until_ns)
        self._reach.load.send("POST", "/outages", mark, dict[str, str])

    def _refuse_if_ending(self, number: int, fault: Fault) -> None:
        """Raise TrialFailed when the part of a fault has not ended yet since an earlier one told it to."""
        part = self._reach.parts.get(fault.on)
        for one in self._ending:
            if one.part is part:
                seconds = (now_ns() - one.from_ns) / NS_PER_SECOND
                raise TrialFailed(
                    f"faults[{number}]: the {fault.said} meets a {fault.on} that has not ended {seconds:.1f} s after "
                    f"faults[{one.number}] told it to: move one of them"
                )

    def _do(self, fault: Fault) -> int | None:
        """Make a fault happen, and return how many connections it broke, if that is known.

        Raises TrialFailed when a part does not do as it is told.
        """
        reach = self._reach
        match fault.kind:
            case "drop":
                order = {"lasts_seconds": fault.lasts_seconds}
                return reach.producer.send("POST", "/feed/drop", order, dict[str, int])["broken"]
            case "cut" if fault.on == "proxy":
                if reach.proxy is None:
                    raise TrialFailed("the path's proxy takes no order to cut its connections")
                return reach.proxy.send("POST", "/cut", None, dict[str, int])["cuts"]
            case "cut":
                return reach.load.send("POST", "/cut", CutRequest(fault.jitter_seconds), dict[str, int])["cuts"]
        part = reach.parts[fault.on]
        match fault.kind:
            case "kill" | "restart":
                part.gives_up_at += 1  # a death that the experiment asks for
                (part.kill if fault.kind == "kill" else part.end)()
            case "stall":
                part.stall(fault.lasts_seconds)
            case "fill":
                part.fill()
        return None
