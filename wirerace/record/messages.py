"""The messages of a trial in result.json, as values: what clients sent, and what became of it."""

import msgspec

from wirerace.record.durations import Times


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    """The messages that were due in the window.

    `received` are those in the server's record, and those that it acknowledged. `lost` were due and are not received;
    the `refused` and the `unsent`, which could not leave, are among them. `duplicated` counts the receipts of messages
    that the server had received before. `relayed` counts the messages of which the producer made an update, None
    without fan-out. `updates` counts the updates of the window that were made from any message.

    `latency_seconds` is from the intended sending to the server, `waiting_seconds` from the intended sending until a
    message left, `late_seconds` how late the load woke for a message, `acknowledge_seconds` from leaving to the arrival
    of the acknowledgement. `relay_seconds` is the mean time from the server to the update. `relayed_seconds` is from
    the intended sending to the arrival of that update at each client. `bytes_out` and `bytes_in` are the application
    bytes of a message and its answer, on average. `connections` counts those opened for messages, over the trial.

    The rest should be 0. `unacknowledged` messages were received without an acknowledgement. `unfounded`
    acknowledgements are of messages that the server's record, or the producer's, does not have. `invented` messages
    are in a record, and were not sent. `impossible` stamps lie before the sending or after the acknowledgement. `stray`
    answers were to nothing that waited for one. `foreign` messages in the server's record are of other programs.
    """

    due: int
    received: int
    acknowledged: int
    lost: int
    unsent: int
    refused: int
    duplicated: int
    relayed: int | None
    updates: int
    reach: float | None
    latency_seconds: Times
    waiting_seconds: Times
    late_seconds: Times
    acknowledge_seconds: Times
    relay_seconds: float | None
    relayed_seconds: Times
    bytes_out: float | None
    bytes_in: float | None
    connections: int
    unacknowledged: int
    unfounded: int
    invented: int
    impossible: int
    stray: int
    foreign: int
    recorded: bool
