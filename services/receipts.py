"""Receipts: a server's record of the messages that it has received, bounded to the newest of them."""

from array import array
from collections import deque

from wirerace.workload.upstream import Received, ReceivedMessage

PART_MESSAGES = 50_000
PARTS = 6
"""The record has the last 250,000 messages, in parts. The oldest part is dropped whole."""


class _ReceivedPart:
    """Messages in the order of their arrival. `client` has each one's place in `names`.

    `least_ts` and `most_ts` are bounds of their `ts`, because looking at each takes 15 ms in a part that is full.
    """

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.client = array("I")
        self.n = array("q")
        self.ts = array("q")
        self.received_ns = array("q")
        self.least_ts = 2**63
        self.most_ts = -1


class Receipts:
    """What was received since `began_ns`, Unix nanoseconds: each message once, and how often some came again."""

    def __init__(self, began_ns: int) -> None:
        self._known_from_ns = began_ns
        self._parts = deque([_ReceivedPart()])
        self._repeated: deque[int] = deque(maxlen=PART_MESSAGES)

    def add(self, client: str, n: int, ts: int, received_ns: int) -> None:
        """Note a message that was received for the first time."""
        part = self._parts[-1]
        if len(part.n) >= PART_MESSAGES:
            part = _ReceivedPart()
            self._parts.append(part)
            if len(self._parts) > PARTS:
                self._known_from_ns = max(self._known_from_ns, self._parts.popleft().most_ts + 1)
        part.client.append(part.names.setdefault(client, len(part.names)))
        part.n.append(n)
        part.ts.append(ts)
        part.least_ts, part.most_ts = min(part.least_ts, ts), max(part.most_ts, ts)
        part.received_ns.append(received_ns)

    def add_repeat(self, ts: int) -> None:
        """Note that a message was received again."""
        if len(self._repeated) == self._repeated.maxlen:
            self._known_from_ns = max(self._known_from_ns, self._repeated[0] + 1)
        self._repeated.append(ts)

    def between(self, from_ns: int, to_ns: int) -> Received:
        """Return what was received of the messages that were to be sent in [from, to)."""
        messages: dict[str, list[ReceivedMessage]] = {}
        for part in self._parts:
            if part.most_ts < from_ns or part.least_ts >= to_ns:
                continue
            names = list(part.names)
            for place, ts in enumerate(part.ts):
                if from_ns <= ts < to_ns:
                    of_client = messages.setdefault(names[part.client[place]], [])
                    of_client.append(ReceivedMessage(part.n[place], ts, part.received_ns[place]))
        repeated = sum(from_ns <= ts < to_ns for ts in self._repeated)
        return Received(self._known_from_ns <= from_ns, messages, repeated)
