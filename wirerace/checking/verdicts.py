"""How a promise turns out: kept, or one of three exceptions. A finding says it for people and programs."""

from typing import Literal

import msgspec

from wirerace.errors import WireraceError

Verdict = Literal["pass", "fail", "not offered", "not checked"]
MOST_SEEN_BYTES = 120
"""The first bytes of what came that a failure shows."""


class Unkept(WireraceError):
    """A promise is not kept: what was expected, what came, and its first bytes. `is_silent`: nothing came in time."""

    def __init__(self, expected: str, came: str, seen: bytes = b"", *, is_silent: bool = False) -> None:
        super().__init__(f"expected {expected}, came {came}")
        self.expected = expected
        self.came = came
        self.seen = bytes(seen[:MOST_SEEN_BYTES])
        self.is_silent = is_silent


class NotOffered(WireraceError):
    """The server does without something that is optional."""


class NotChecked(WireraceError):
    """A promise could not be checked; the text says why."""


class PromiseFinding(msgspec.Struct, frozen=True, kw_only=True):
    """How one promise turned out. `why` is for what was not offered or not checked, the rest for a failure."""

    id: str
    promise: str
    section: str
    verdict: Verdict
    why: str = ""
    expected: str = ""
    came: str = ""
    first_bytes: str = ""
    seconds: float = 0.0


def first_bytes(data: bytes) -> str:
    """Return bytes as people read them: text with escapes."""
    return data.decode("latin-1").encode("unicode_escape").decode().replace("\\\\", "\\")
