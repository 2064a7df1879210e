"""The timeline of faults: what is killed, stalled or cut in the window, and when, on processes or containers."""

from collections.abc import Iterator, Mapping, Sequence

from wirerace.clock import to_ns
from wirerace.experiment.faults import Fault, FaultPlace
from wirerace.observe.account import CutRequest, Window
from wirerace.runner.parts.part import Part
from wirerace.runner.peer import Peer


class Timeline:
    """The faults of one trial; `parts` can be killed and stalled, and `load` can cut its connections."""

    def __init__(self, faults: Sequence[Fault], window: Window, parts: Mapping[FaultPlace, Part], load: Peer) -> None:
        self._faults = sorted(faults, key=lambda fault: fault.at_seconds)
        self._window = window
        self._parts = parts
        self._load = load

    def __iter__(self) -> Iterator[tuple[int, Fault]]:
        """Yield each fault with its time, Unix nanoseconds, in their order."""
        return ((self._window.from_ns + to_ns(fault.at_seconds), fault) for fault in self._faults)

    def happen(self, fault: Fault) -> None:
        """Make a fault happen now.

        Raises TrialFailed when the load does not cut its connections.
        """
        match fault.kind:
            case "kill":
                part = self._parts[fault.on]
                part.gives_up_at += 1  # a death that the experiment asks for
                part.kill()
            case "stall":
                self._parts[fault.on].stall(fault.lasts_seconds)
            case "cut":
                self._load.send("POST", "/cut", CutRequest(fault.jitter_seconds), dict[str, int])
