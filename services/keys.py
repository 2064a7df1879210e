"""Keys: which messages were received. A key (client, n) counts once, however often it is sent."""

from wirerace.errors import BadInput
from wirerace.observe.seen import Arrival, Seen

MOST_CLIENTS = 100_000
"""The clients that have sent last are known. An older one's messages would count again."""
MOST_GAPS = 1_000
"""The limit of gaps in the numbers of a client, because each takes memory."""


class Keys:
    """The keys received so far. A client whose numbers ascend by 1 takes the same memory however much it sends."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}  # the one that sent last is the last one

    def has(self, client: str, n: int) -> bool:
        """Return whether a key was received before.

        Raises BadInput when it would leave one gap too many.
        """
        seen = self._seen.get(client)
        if seen is None:
            return False
        if n == seen.highest + 1:
            return False
        if n > seen.highest and seen.gaps >= MOST_GAPS:
            raise BadInput(f"n must count up by 1, and {seen.gaps} gaps are below {n}: send what is missing first")
        return n in seen

    def add(self, client: str, n: int) -> bool:
        """Note a key, and return whether it is new."""
        seen = self._seen.pop(client, None) or Seen(0)
        self._seen[client] = seen
        if len(self._seen) > MOST_CLIENTS:
            del self._seen[next(iter(self._seen))]
        return seen.add(n) is not Arrival.DUPLICATE
