"""The network: segments that were sent again, by the trial's own connections and by others beside them."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about TCP."""
    counted = evidence.trial.bytes
    segments_in, again = counted.segments_in, counted.retransmitted
    segments = (segments_in or 0) + (counted.segments_out or 0)
    fraction = None if again is None or segments_in is None else again / max(segments, 1)
    text = f"{segments_sent(again or 0)} again beside {segments} of the trial"
    yield from against(thresholds.RETRANSMITTED_FRACTION, fraction, "retransmissions", text)
    yield from _of_the_namespace(evidence)


def segments_sent(count: int) -> str:
    """Return the beginning of a sentence about segments."""
    return f"{count} segment was sent" if count == 1 else f"{count} segments were sent"


def _of_the_namespace(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the server's network namespace, unless every connection of the trial was read."""
    counted, resent = evidence.trial.bytes, evidence.raw.measured.resent
    before, after = evidence.raw.account.traffic
    opened = after.connections - before.connections
    if resent is not None and not resent.closed and opened <= resent.opened:
        return
    if counted.namespace_retransmitted is None:
        yield Finding("unchecked", "segments that the server sent again")
        return
    # On this machine clients and server share a namespace; a server in a container has one without clients.
    known = 0 if resent is None else counted.retransmitted or 0
    if (others := counted.namespace_retransmitted - known) > 0:
        yield Finding(
            "doubt",
            f"{segments_sent(others)} again in the server's network namespace, and not all connections are known",
            "they may be those of the trial's connections that closed meanwhile, or that cannot be asked",
            "keep connections (keep_alive = true), or have nothing else use the network",
        )
