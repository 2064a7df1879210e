"""Watching the parts of a trial: which were started again, and which stood still while others continued."""

import time
from collections.abc import Callable, Mapping, Sequence

from wirerace.record.parts import PartRecord
from wirerace.runner.parts.part import Watched
from wirerace.runner.progress import TICK_SECONDS

ITSELF = "wirerace"


class Watch:
    """Looks at every part of a trial again and again, including this process.

    A part that stops after one look and continues before the next is not noticed. Looks come every `TICK_SECONDS`. The
    lateness of a look is noted as this process's own stillness.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._members: dict[str, Sequence[Watched]] = {}
        self._restarts_before: dict[str, int] = {}
        self._still_seconds: dict[str, float] = {}
        self._late_seconds = 0.0
        self._looked: float | None = None
        self._restarts_seen = 0
        self.has_trouble = False
        """Whether a part stood still at the last look, or had been started again since the look before."""

    def add(self, parts: Mapping[str, Sequence[Watched]]) -> None:
        """Watch more parts, by their role in the trial. Earlier restarts do not count."""
        for name, members in parts.items():
            self._members[name] = members
            self._restarts_before[name] = sum(member.restarts for member in members)
            self._still_seconds[name] = 0.0

    def begin(self) -> None:
        """Count still parts and late looks from now on: a window begins."""
        self._looked = self._clock()

    def look(self, *, is_timed: bool = True) -> None:
        """Look at all parts. Its lateness counts only if `is_timed`: there was no other work since the last look."""
        if self._looked is None:
            return
        now = self._clock()
        passed_seconds, self._looked = now - self._looked, now
        if is_timed:
            self._late_seconds = max(self._late_seconds, passed_seconds - TICK_SECONDS)
        still = [name for name, members in self._members.items() if any(member.is_stopped() for member in members)]
        for name in still:
            self._still_seconds[name] += min(passed_seconds, TICK_SECONDS)
        restarts = self.restarts
        self.has_trouble, self._restarts_seen = bool(still) or restarts > self._restarts_seen, restarts

    @property
    def restarts(self) -> int:
        """How often any part has been started again."""
        return sum(self._restarts_of(name) for name in self._members)

    def found(self) -> dict[str, PartRecord]:
        """Return the observations of each part so far."""
        parts = {name: PartRecord(self._restarts_of(name), self._still_seconds[name]) for name in self._members}
        return parts | {ITSELF: PartRecord(0, self._late_seconds)}

    def _restarts_of(self, name: str) -> int:
        return sum(member.restarts for member in self._members[name]) - self._restarts_before[name]
