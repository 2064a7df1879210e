"""The account of a load process: what the ledgers of all its clients of one transport write into."""

import msgspec

from wirerace.observe.account import FRESH_NS, NO_WINDOW, STAGES, AccountRecord, Outcome, Window
from wirerace.observe.histogram import Latencies
from wirerace.observe.outages import Outages
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.observe.tally import Tally
from wirerace.observe.visit import NO_VISITS, VisitTally
from wirerace.wire.update import Update


class Account:
    """The sum of what all clients of one transport in one load process received. Their ledgers write into it.

    `live_clients` are subscribed now, `aged_clients` have received an update. `newest_ns` is the sum of the making
    times of the newest updates of those, and `missing` counts the updates that are missing in open ledgers. Both are
    for metrics, which must not look at 10,000 ledgers.
    """

    def __init__(self, window: Window = NO_WINDOW) -> None:
        self.window = window
        self.tally = Tally()
        self.totals = AccountRecord(subscribed_to={}, messages={})
        self.older_ns = dict.fromkeys(FRESH_NS, 0)
        self.latencies = Latencies()
        self.connecting = Latencies()
        self.returning = Latencies()
        self.answering = Latencies()
        self.repolling = Latencies()
        self.reading = Latencies()
        self.asking_late = Latencies()
        self.relayed = Latencies()
        self.waking = Latencies()
        self.stages = {stage: Latencies() for stage in STAGES}
        self.updates: dict[str, dict[int, list[int]]] = {}
        self.visits: VisitTally | None = None
        self.outages = Outages()
        self.live_clients = 0
        self.aged_clients = 0
        self.newest_ns = 0
        self.missing = 0

    def age_ns(self, at_ns: int) -> float | None:
        """Return the mean age of the newest updates of all clients at an instant, None when no client has one."""
        clients = self.aged_clients
        return (clients * at_ns - self.newest_ns) / clients if clients else None

    def request(self, sent_ns: int) -> None:
        """Count a request by the time at which it was due to leave."""
        self.tally.requests += 1
        window = self.window
        if window.from_ns <= sent_ns < window.to_ns:
            self.totals.requests += 1

    def response(self, outcome: Outcome, arrival_ns: int, took_ns: int, *, is_partial: bool = False) -> None:
        """Count an answer and its duration, by its arrival, like deliveries: it may come long after its request."""
        self.tally.responses[outcome] += 1
        window = self.window
        if window.from_ns <= arrival_ns < window.to_ns:
            self.totals.responses[outcome] += 1
            self.totals.partial_responses += is_partial
            self.answering.record(took_ns)

    def repoll(self, sent_ns: int, answered_ns: int) -> None:
        """Note a re-poll: when it left, and when the answer before it had arrived."""
        self.tally.repolls += 1
        self.tally.repoll_gap_ns += max(0, sent_ns - answered_ns)  # the sum is exported, and must not fall
        if self.window.has(sent_ns):
            self.repolling.record(sent_ns - answered_ns)

    def read(self, arrival_ns: int, read_ns: int, *, by_kernel: bool) -> None:
        """Note that a client has read something, and how long after the arrival if the kernel stamped it."""
        window = self.window
        if window.from_ns <= arrival_ns < window.to_ns:
            if by_kernel:
                self.reading.record(read_ns - arrival_ns)
            else:
                self.totals.unstamped += 1

    def asked_late(self, updates: list[Update], late_ns: int, reached_ns: int) -> None:
        """Note by how much updates may have come later, because their request left `late_ns` late.

        It reached the server at `reached_ns`. What was made before waited for it, and would have come sooner by that
        wait, but by no more than the request was late.
        """
        window = self.window
        if late_ns > 0:
            for update in updates:
                if update.ts < reached_ns and window.from_ns <= update.ts < window.to_ns:
                    self.asking_late.record(min(late_ns, reached_ns - update.ts))

    def late_poll(self, due_ns: int) -> None:
        """Count a poll that left too late, or never."""
        self.tally.late_polls += 1
        if self.window.has(due_ns):
            self.totals.late_polls += 1

    def delivery(self, sequence: str, update: Update, arrival_ns: int) -> None:
        """Record a delivery, the client's first of an update of a sequence."""
        seq, latency_ns = update.seq, arrival_ns - update.ts
        if update.client:
            self.relayed.record(arrival_ns - update.sent)
        self.totals.delivered += 1
        self.latencies.record(latency_ns)
        if latency_ns > self.outages.age_ns:
            self.outages.late(update.ts)
        of_sequence = self.updates.get(sequence)
        if of_sequence is None:
            of_sequence = self.updates[sequence] = {}
        spread = of_sequence.get(seq)
        if spread is None:
            of_sequence[seq] = [1, latency_ns, latency_ns, latency_ns]
        else:
            spread[0] += 1
            spread[1] += latency_ns
            if latency_ns < spread[2]:
                spread[2] = latency_ns
            elif latency_ns > spread[3]:
                spread[3] = latency_ns

    def to_record(self) -> AccountRecord:
        """Return a value that can be sent, stored and merged."""
        return msgspec.structs.replace(
            self.totals,
            older_ns=dict(self.older_ns) if self.totals.age_ns else {},
            latencies=self.latencies.to_record(),
            connecting=self.connecting.to_record(),
            returning=self.returning.to_record(),
            answering=self.answering.to_record(),
            repolling=self.repolling.to_record(),
            reading=self.reading.to_record(),
            asking_late=self.asking_late.to_record(),
            relayed=self.relayed.to_record(),
            waking=self.waking.to_record(),
            outages=self.outages.to_record(),
            visits=NO_VISITS if self.visits is None else self.visits.to_record(),
            stages={stage: latencies.to_record() for stage, latencies in self.stages.items()},
            updates={
                sequence: SpreadColumns.of({seq: Spread(*spread) for seq, spread in of_sequence.items()})
                for sequence, of_sequence in self.updates.items()
            },
        )
