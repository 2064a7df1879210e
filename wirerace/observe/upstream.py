"""Messages that clients sent, as load processes list them: when each was due, left, was received and acknowledged."""

import msgspec


class SentMessage(msgspec.Struct, array_like=True):
    """A message of a client. Times are Unix nanoseconds, 0 for what has not happened.

    `due_ns` is its intended sending, `left_ns` when it was first handed to the kernel, `received_ns` when the server
    says that it was whole, `acknowledged_ns` when that had arrived. `tries` is how often it was sent. `refused` is the
    status of the last refusal.
    """

    n: int
    due_ns: int
    left_ns: int = 0
    received_ns: int = 0
    acknowledged_ns: int = 0
    tries: int = 0
    refused: int = 0

    @property
    def is_answered(self) -> bool:
        """Return whether nothing more is to come: it was acknowledged, or refused for good."""
        return self.acknowledged_ns > 0 or (self.refused > 0 and self.refused not in LATER)


LATER = frozenset({429, 503})
"""The refusals after which a client tries again."""
