"""A run with one client that polls, as packets and as what Wirerace says of it: both agree."""

import json
from pathlib import Path
from typing import Any

from benchmarks.packet_figures import Row, clients_of, rows_of
from tests.benchmarks.packets import HEAD_BYTES, Talk, Wire, answer, raw_of, read, request, update

S = 10**9
SECOND = 1_700_000_000 * S
FROM_NS, TO_NS = SECOND + 1 * S, SECOND + 3 * S
MS = 1_000_000
HEADS = HEAD_BYTES - 14
SAID = "9 packets captured\n18 packets received by filter\n0 packets dropped by kernel\n"
ACCOUNT = {"delivered": 3, "duplicated": 0, "arrived": 3, "requests": 2, "upper_bounds": 0}


class Polls:
    """A client that polls twice in the window, and gets one update, then two; and what Wirerace says of it."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.talk = Talk(self.wire, SECOND)
        self.exchange(SECOND + S // 2, answer(update(1, SECOND + S // 4)))  # before the window
        self.first = answer(update(2, FROM_NS + 100 * MS))
        self.second = answer(update(3, FROM_NS + 600 * MS), update(4, FROM_NS + 700 * MS))
        self.exchange(FROM_NS + 500 * MS, self.first)
        self.exchange(FROM_NS + 1500 * MS, self.second)
        self.ip_bytes = {
            "ip_in": 2 * (len(request()) + HEADS),
            "ip_out": len(self.first) + len(self.second) + 2 * HEADS,
        }

    def exchange(self, at_ns: int, answered: bytes) -> None:
        self.talk.up(at_ns, request())
        self.talk.down(at_ns + MS, answered)

    def raw(self, **account: Any) -> dict[str, Any]:
        latencies = {"sum_ns": (401 + 901 + 801) * MS, "recorded": 3}
        grown = [2 * len(request()), len(self.first) + len(self.second), 2, 2]
        before = [70, 300, 4, 3]
        after = [one + more for one, more in zip(before, grown, strict=True)]
        return raw_of({**ACCOUNT, "latencies": latencies, **account}, FROM_NS, TO_NS, before, after)

    def rows(self, raw: dict[str, Any] | None = None) -> dict[str, Row]:
        raw = raw or self.raw()
        trial = {"bytes": self.ip_bytes}
        return {row.figure: row for row in rows_of(trial, raw, clients_of(read(self.wire), "/poll", raw))}

    def save(self, directory: Path, raw: dict[str, Any]) -> None:
        (directory / "run" / "raw").mkdir(parents=True)
        (directory / "lo.pcap").write_bytes(self.wire.pcap())
        (directory / "tcpdump.log").write_text(SAID)
        trial = {"contestant": "near", "transport": "polling", "point": 0, "repeat": 1, "bytes": self.ip_bytes}
        (directory / "run" / "result.json").write_text(json.dumps({"points": [{}], "trials": [trial]}))
        (directory / "run" / "raw" / "1-near.json").write_text(json.dumps(raw))
