"""Keys: which messages were received. A key (client, n) counts once, however often it is sent."""

from wirerace.errors import BadInput
from wirerace.observe.seen import Arrival, Seen

MOST_CLIENTS = 100_000
"""The clients that have sent last are known. An older one's messages would count again."""
MOST_GAPS, MOST_GAPS_TOGETHER = 1_000, 1_000_000
"""The limits of gaps in the numbers of a client, and of all clients, because each takes memory.

Above the first one, numbers that open another gap are refused. Above the second one, the client that has sent nothing
for longest is forgotten.
"""


class MessageKeys:
    """The keys received so far. A client whose numbers ascend by 1 takes the same memory however much it sends."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}  # the one that sent last is the last one
        self._gaps = 0

    def has(self, client: str, n: int) -> bool:
        """Return whether a key was received before.

        Raises BadInput when it would leave one gap too many.
        """
        seen = self._seen.get(client)
        if seen is None:
            return False
        if n in seen:
            return True
        if seen.gaps >= MOST_GAPS and _opens_a_gap(n, seen):
            raise BadInput(f"n must count up by 1, and {seen.gaps} gaps are below {seen.highest}: fill them first")
        return False

    def add(self, client: str, n: int) -> bool:
        """Note a key, and return whether it is new."""
        seen = self._seen.pop(client, None) or Seen(0)
        gaps_before = seen.gaps
        arrival = seen.add(n)
        self._seen[client] = seen
        self._gaps += seen.gaps - gaps_before
        while len(self._seen) > MOST_CLIENTS or (self._gaps > MOST_GAPS_TOGETHER and len(self._seen) > 1):
            self._gaps -= self._seen.pop(next(iter(self._seen))).gaps
        return arrival is not Arrival.DUPLICATE


def _opens_a_gap(n: int, seen: Seen) -> bool:
    """Return whether a number that was not seen lies apart from those that were: it opens a gap, or splits one."""
    return n - 1 not in seen and (n > seen.highest or n + 1 not in seen)
