"""A sample: what was read between two instants."""

import msgspec


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was read between two instants, Unix nanoseconds: the beginning and the end of the reading."""

    began_ns: int
    ended_ns: int

    def off_ns(self, at_ns: int) -> int:
        """Return by how much it may miss an instant: its values may be from any time of the reading."""
        return max(abs(self.began_ns - at_ns), abs(self.ended_ns - at_ns))
