"""Making: the updates that a schedule intends, in portions, as they become due."""

from wirerace.errors import BadInput
from wirerace.workload.schedule import Due, Schedule, updates_of

AT_ONCE_UPDATES, AT_ONCE_BYTES = 1000, 1024 * 1024
"""The bound of a backlog made before the event loop gets its turn. A single update may exceed it."""
MOST_NS = 2**63 - 1


class Making:
    """A schedule that is being kept, from its first intended time that is not before `from_ns`.

    Raises BadInput when there is no such time, so that a schedule is tried before it is used.
    """

    def __init__(self, schedule: Schedule, start_ns: int, from_ns: int) -> None:
        self.schedule = schedule
        self._coming = updates_of(schedule, start_ns, from_ns)
        try:
            self._next = next(self._coming)
        except (ArithmeticError, ValueError) as error:
            raise BadInput(f"it cannot be kept: {error}") from None
        if not from_ns <= self._next.at_ns <= MOST_NS:
            raise BadInput(f"it cannot be kept: its first update would be at {self._next.at_ns} ns")

    @property
    def next_ns(self) -> int:
        """When the next update is to be made."""
        return self._next.at_ns

    def due(self, now_ns: int) -> list[Due]:
        """Return what is due now, or a portion of it; in that case `next_ns` is past."""
        due: list[Due] = []
        size_bytes = 0
        while self._next.at_ns <= now_ns and len(due) < AT_ONCE_UPDATES and size_bytes < AT_ONCE_BYTES:
            due.append(self._next)
            size_bytes += len(self._next.data)
            self._next = next(self._coming)
        return due
