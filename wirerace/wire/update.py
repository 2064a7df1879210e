"""What travels: updates, cursors and batches, to and from bytes."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from wirerace.errors import BadCursor, shown

CURSOR_HEADER = "Wirerace-Cursor"
"""The header that every answer carries."""

MOST_LINE_BYTES = 8 * 1024 * 1024
"""No encoded update is longer: a payload has at most 1 MiB, and JSON spells a byte with at most six."""
NO_UPDATE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises when bytes are no update or batch: malformed JSON, text that is no UTF-8, too deep nesting."""

_EPOCH = re.compile(r"[0-9a-z]{1,16}", re.ASCII)
_CHANNEL = re.compile(r"[0-9A-Za-z_-]{1,32}", re.ASCII)
_CURSOR = re.compile(r"([0-9a-z]{1,16})-(0|[1-9][0-9]{0,17})", re.ASCII)


class Cursor(msgspec.Struct, frozen=True):
    """A place in a channel's updates: all up to and including (epoch, seq) are known. Seq 0 is before the first."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Return the cursor that `text` spells.

        Raises BadCursor when `text` is no cursor.
        """
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise BadCursor(
                f"after must be a cursor <epoch>-<seq> as an answer gave it, not {shown(text)}: for example k3f9-17"
            )
        return cls(match[1], int(match[2]))


class Update(msgspec.Struct, frozen=True, omit_defaults=True):
    """One update. `ts` is the intended time of making, Unix time in nanoseconds; `seq` counts from 1.

    `seq` counts the updates of its channel. The default channel's name is empty, and does not travel. A decoder checks
    the bounds, but not the names. These checks (`is_epoch`, `is_channel`) take longer than all others, and the names
    seldom change.

    An update that was made from a client's message has that message's key, `client` and `n`, and its `ts` as `sent`.
    """

    epoch: str
    seq: Annotated[int, Meta(ge=1, le=10**18 - 1)]
    ts: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    data: str
    channel: str = ""
    client: str = ""
    n: Annotated[int, Meta(ge=0, le=10**18 - 1)] = 0
    sent: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0

    @property
    def sequence(self) -> str:
        """The name of the sequence in which `seq` counts."""
        return sequence_of(self.epoch, self.channel)

    @property
    def payload_bytes(self) -> int:
        """Bytes of the payload."""
        return len(self.data) if self.data.isascii() else len(self.data.encode())


class Batch(msgspec.Struct, frozen=True):
    """The answer to a poll: at least one update, oldest first. With `more` there are newer ones: ask again at once."""

    updates: list[Update]
    more: bool = False


def is_epoch(text: str) -> bool:
    """Return whether `text` is 1 to 16 characters of 0-9 and a-z, so that it can stand in a cursor and in a header."""
    return _EPOCH.fullmatch(text) is not None


def is_channel(text: str) -> bool:
    """Return whether `text` can name a channel: 1 to 32 characters of letters, digits, _ and -."""
    return _CHANNEL.fullmatch(text) is not None


def sequence_of(epoch: str, channel: str) -> str:
    """Return the name of the sequence of a channel in an epoch: <epoch>, or <epoch>/<channel> for a named channel."""
    return f"{epoch}/{channel}" if channel else epoch


encode_update = msgspec.json.Encoder().encode
decode_update = msgspec.json.Decoder(Update).decode
decode_batch = msgspec.json.Decoder(Batch).decode


def join_batch(encoded_updates: list[bytes], *, has_more: bool = False) -> bytes:
    """Return the batch of updates that are encoded already, without encoding them again."""
    return b'{"updates":[' + b",".join(encoded_updates) + (b'],"more":true}' if has_more else b"]}")
