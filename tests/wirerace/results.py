"""A result and a raw record with all kinds of values, to be written, read and printed."""

from typing import Any

import msgspec

from tests.wirerace.trials import NOTHING_MEASURED, plan_of
from wirerace.analysis.measure import figures
from wirerace.experiment.model import Experiment, document_of
from wirerace.observe.account import AccountRecord, Subscription, Window
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.result import ContestantRecord, Failure, Host, Point, Raw, Result
from wirerace.wire.update import Cursor
from wirerace.workload.truth import EpochMade, Truth

RAW = Raw(
    Window(100, 200),
    AccountRecord(
        subscribed=1,
        delivered=1,
        partly=[Subscription(Cursor("e0", 6), Cursor("e0", 6))],
        updates={"e0": SpreadColumns.of({7: Spread(1, 5, 5, 5)})},
    ),
    Truth(2, complete=True, epochs=[EpochMade("e0", [6, 7], [50, 150], [1, 2])]),
    NOTHING_MEASURED,
)
TRIAL = figures(plan_of("websocket"), RAW)
RESULT = Result(
    wirerace="0.1.0",
    experiment=document_of(Experiment("t", ["websocket", "polling"])),
    host=Host(2, "Linux", "3.11.7", {"aiohttp": "3.0"}),
    started_at="2026-01-01T00:00:00+00:00",
    contestants=[
        ContestantRecord("websocket", "WebSocket", "websocket"),
        ContestantRecord("polling", "Polling", "polling"),
    ],
    points=[Point()],
    trials=[TRIAL],
    failures=[Failure("polling", 1, "the server did not start")],
)


def with_objects(raw: Raw) -> dict[str, Any]:
    """Return a raw record as older versions wrote it: the spread of each update is an object, under its number."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(raw))
    for holder, record in ((document, raw), (document["browsers"], raw.browsers)):
        if record is not None:
            updates = {sequence: spreads.by_seq for sequence, spreads in record.account.updates.items()}
            holder["account"]["updates"] = msgspec.json.decode(msgspec.json.encode(updates))
    return document
