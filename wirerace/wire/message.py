"""Messages: what clients send, what servers answer to each, and what they pass on to the producer."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

MOST_NAME = 32
NAME = re.compile(rf"[0-9A-Za-z_-]{{1,{MOST_NAME}}}", re.ASCII)
ACKNOWLEDGED, REFUSED = b'{"ack":', b'{"refused":'
"""How an acknowledgement and a refusal begin. No update and no batch begins like one of them."""

Number = Annotated[int, Meta(ge=1, le=10**18 - 1)]
At = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class ClientMessage(msgspec.Struct, frozen=True):
    """A client's message. (`client`, `n`) is its idempotency key: `n` counts the client's messages from 1.

    `ts` is when it was to be sent, Unix nanoseconds. The name of a client has 1 to 32 letters, digits, _ and -. A
    decoder checks the bounds, but not the name.
    """

    client: str
    n: Number
    ts: At
    data: str


class Acknowledgement(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to message `ack` of `client`: it was whole at `received`, Unix nanoseconds, by the server's clock.

    `repeated` says that the server had received it before.
    """

    ack: Number
    client: str
    received: At
    repeated: bool = False


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer on a WebSocket to a message that was refused: the status that HTTP has for it, and the reason.

    `client` and `n` are those of the message, where they are known.
    """

    refused: int
    why: str
    client: str = ""
    n: int = 0


class Passed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A message on its way from a server to the producer, with the channel in which it becomes an update."""

    channel: str
    client: str
    n: Number
    ts: At
    data: str


def is_client(text: str) -> bool:
    """Return whether `text` can name a client that sends."""
    return NAME.fullmatch(text) is not None


encode = msgspec.json.Encoder().encode
decode_acknowledgement = msgspec.json.Decoder(Acknowledgement).decode
decode_refusal = msgspec.json.Decoder(Refusal).decode
