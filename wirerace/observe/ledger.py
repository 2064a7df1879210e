"""The ledger: what each client received, and when; an account adds up many ledgers.

A ledger counts by making time: an update belongs to the window when its `ts` does, however late it arrives. Rates (of
requests and arrivals) count by wall time. Both windows are the same [from, to).
"""

import msgspec

from wirerace.clock import NS_PER_SECOND
from wirerace.observe.account import (
    FRESH_NS,
    NO_WINDOW,
    STAGES,
    AccountRecord,
    Outcome,
    Skip,
    Spread,
    Subscription,
    Window,
)
from wirerace.observe.histogram import Latencies
from wirerace.observe.seen import Arrival, Seen
from wirerace.observe.tally import Tally
from wirerace.observe.visit import NO_VISITS, VisitTally
from wirerace.wire.update import Cursor, Update, sequence_of


class Account:
    """The sum of what all clients of one transport in one load process received. Their ledgers write into it.

    `live_clients` are subscribed now, `aged_clients` have received an update.
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
        self.relayed = Latencies()
        self.waking = Latencies()
        self.stages = {stage: Latencies() for stage in STAGES}
        self.updates: dict[str, dict[int, list[int]]] = {}
        self.visits: VisitTally | None = None
        self.live_clients = 0
        self.aged_clients = 0

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
            relayed=self.relayed.to_record(),
            waking=self.waking.to_record(),
            visits=NO_VISITS if self.visits is None else self.visits.to_record(),
            stages={stage: latencies.to_record() for stage, latencies in self.stages.items()},
            updates={
                sequence: {seq: Spread(*spread) for seq, spread in of_sequence.items()}
                for sequence, of_sequence in self.updates.items()
            },
        )


class Ledger:
    """One client's ledger, of one channel. It opens with the first cursor, and closes when the client or the test ends.

    A client of the latest only is not expected to have what was superseded: what is older than its newest update.
    """

    __slots__ = (
        "_account", "_aged_to_ns", "_channel", "_epoch", "_first", "_latest_only", "_newest", "_newest_ts",
        "_opened_ns", "_seen", "_seen_of", "_sequence",
    )  # fmt: skip

    def __init__(self, account: Account, channel: str = "", *, latest_only: bool = False) -> None:
        self._account = account
        self._channel = channel
        self._latest_only = latest_only
        self._epoch = self._sequence = ""
        self._seen = Seen(0)
        self._seen_of: dict[str, Seen] = {}
        self._opened_ns: int | None = None
        self._first: Cursor
        self._newest: Cursor  # of a client of the latest only
        self._newest_ts: int | None = None
        self._aged_to_ns = 0

    def open(self, cursor: Cursor, at_ns: int) -> None:
        """Subscribe: from now on everything after `cursor` is expected. Later calls, on reconnect, change nothing."""
        if self._opened_ns is None:
            self._opened_ns = at_ns
            self._first = self._newest = cursor
            self._account.live_clients += 1
            self._account.totals.most_clients = max(self._account.totals.most_clients, self._account.live_clients)
            self._turn_to(cursor.epoch, cursor.seq)

    def receive(self, update: Update, arrival_ns: int, *, is_bound: bool = False) -> None:
        """Enter one delivery. `is_bound` says that it arrived at that time or earlier."""
        account = self._account
        account.totals.received += 1
        if update.epoch == self._epoch and update.seq == self._seen.highest + 1:
            self._seen.highest = update.seq
            arrival = Arrival.NEW
        else:
            self._turn_to(update.epoch, 0)
            arrival = self._seen.add(update.seq)
            if self._latest_only:
                self._skip(update, arrival)
            if arrival is Arrival.DUPLICATE:
                account.totals.repeated += 1
            elif arrival is Arrival.REORDERED:
                account.tally.reordered += 1
        if self._newest_ts is None or update.ts > self._newest_ts:
            self._renew(update, arrival_ns)
        window = account.window
        if window.from_ns <= arrival_ns < window.to_ns:
            account.totals.arrived += 1
        if window.from_ns <= update.ts < window.to_ns:
            if arrival is Arrival.DUPLICATE:
                account.totals.duplicated += 1
                return
            if arrival is Arrival.REORDERED:
                account.totals.reordered += 1
            account.totals.upper_bounds += is_bound
            account.delivery(self._sequence, update, arrival_ns)

    def begin(self, update: Update, arrival_ns: int) -> None:
        """Enter the first update of a visitor: a delivery, but it was made before the visitor came, so no latency."""
        totals, window = self._account.totals, self._account.window
        self._turn_to(update.epoch, 0)
        self._seen.add(update.seq)
        self._renew(update, arrival_ns)
        totals.received += 1
        totals.arrived += window.has(arrival_ns)
        totals.delivered += window.has(update.ts)

    @property
    def first(self) -> Cursor | None:
        """The cursor after which it was opened, None if it is not open."""
        return None if self._opened_ns is None else self._first

    @property
    def missing(self) -> int:
        """The number of sequence numbers below the highest that have not been received, and were not superseded."""
        return 0 if self._latest_only else sum(seen.missing for seen in self._seen_of.values())

    def age_ns(self, at_ns: int) -> int | None:
        """Return the age of the newest update at an instant, None before the first."""
        return None if self._newest_ts is None else at_ns - self._newest_ts

    def close(self, at_ns: int, last: Cursor | None = None, *, is_visit: bool = False) -> None:
        """Unsubscribe, and add the remaining sums to the account.

        A client that leaves while others stay gives its `last` cursor: updates on their path then may be missing. A
        visit has a record of its own.
        """
        if self._opened_ns is None:
            return
        account, totals = self._account, self._account.totals
        window = account.window
        self._age_until(at_ns)
        account.live_clients -= 1
        account.aged_clients -= self._newest_ts is not None
        totals.clients += 1
        totals.missing += self.missing
        totals.client_ns += max(0, min(at_ns, window.to_ns) - max(self._opened_ns, window.from_ns))
        if last is None and self._opened_ns <= window.from_ns and at_ns >= window.to_ns:
            totals.subscribed += 1
            if self._channel:
                totals.subscribed_to[self._channel] = totals.subscribed_to.get(self._channel, 0) + 1
        elif window != NO_WINDOW and not is_visit:
            totals.partly.append(Subscription(self._first, last, None if last is None else at_ns, self._channel))
        self._opened_ns = None

    def _skip(self, update: Update, arrival: Arrival) -> None:
        """Note what is superseded by an update that does not follow the newest one before it."""
        account, window, had = self._account, self._account.window, self._newest
        if arrival is Arrival.REORDERED:
            account.totals.superseded -= window.has(update.ts)
        if arrival is not Arrival.NEW:
            return
        skipped = update.seq - had.seq - 1 if update.epoch == had.epoch else 0
        account.tally.superseded += skipped
        if skipped and self._newest_ts is not None and window.has(self._newest_ts) and window.has(update.ts):
            account.totals.superseded += skipped
        elif update.ts >= window.from_ns and (self._newest_ts is None or self._newest_ts < window.to_ns):
            account.totals.skips.append(Skip(had, Cursor(update.epoch, update.seq), self._channel))

    def _turn_to(self, epoch: str, known_seq: int) -> None:
        if epoch != self._epoch:
            self._epoch, self._sequence = epoch, sequence_of(epoch, self._channel)
            self._seen = self._seen_of.setdefault(epoch, Seen(known_seq))

    def _renew(self, update: Update, at_ns: int) -> None:
        """Note that this is now the newest update: the age drops from its peak.

        Updates with the same arrival instant cause one drop, because the age does not rise between them.
        """
        totals = self._account.totals
        if self._newest_ts is None:
            self._account.aged_clients += 1
        elif at_ns > self._aged_to_ns and self._account.window.has(at_ns):
            totals.peak_ns += at_ns - self._newest_ts
            totals.peaks += 1
        self._age_until(at_ns)
        self._newest_ts = update.ts
        if self._latest_only:
            self._newest = Cursor(update.epoch, update.seq)

    def _age_until(self, at_ns: int) -> None:
        """Add the area under the age from the last instant to `at_ns`, as far as it lies in the window."""
        window = self._account.window
        start_ns = max(self._aged_to_ns, window.from_ns)
        end_ns = min(at_ns, window.to_ns)
        self._aged_to_ns = max(self._aged_to_ns, at_ns)
        if self._newest_ts is None or end_ns <= start_ns:
            return
        totals = self._account.totals
        # ∫ (t − ts) dt from start to end, as width × mean height: exact until it becomes a float.
        twice_area = (end_ns - start_ns) * (start_ns + end_ns - 2 * self._newest_ts)
        totals.age_area += twice_area / (2 * NS_PER_SECOND**2)
        totals.age_ns += end_ns - start_ns
        for fresh_ns in FRESH_NS if end_ns - self._newest_ts > FRESH_NS[0] else ():
            old_from_ns = self._newest_ts + fresh_ns
            if old_from_ns >= end_ns:
                break
            self._account.older_ns[fresh_ns] += end_ns - max(old_from_ns, start_ns)
