"""The costs of a reverse proxy: its CPU time and memory, and the bytes between it and the server."""

from wirerace.analysis.costs import SEGMENT_HEADER_BYTES, SYN_OPTION_BYTES, US, per_client
from wirerace.observe.usage import difference
from wirerace.record.result import Raw
from wirerace.record.reverse import Behind, ReverseCost, ReverseRecord
from wirerace.record.samples import Measured, do_span, span_seconds

KNOWN_BYTES = 0.01
"""How far the connections that were listed may be from all that the server has counted, as a part of it.

If connections were opened and closed between two listings, their bytes are missing in the listings.
"""


def reverse_cost(raw: Raw) -> ReverseCost | None:
    """Return what the path's reverse proxy spent; None if there is none, or if nothing was sampled of it."""
    record, measured = raw.measured.reverse_proxy, raw.measured
    if record is None:
        return None
    cpu, utilisation = _spent(record, raw)
    arrived = raw.account.arrived
    received, sent = _counted(measured)
    ip_in, ip_out = _ip(record.behind, received, sent)
    return ReverseCost(
        program=record.program,
        settings=record.settings,
        version=record.version,
        core=record.core,
        shares_core=record.shares_core,
        cpu_seconds=cpu,
        cpu_us_per_delivery=cpu / US / arrived if cpu is not None and arrived else None,
        utilisation=utilisation,
        user_bytes_idle=record.idle_bytes,
        user_bytes=record.full_bytes,
        bytes_per_client=per_client(record.idle_bytes, record.full_bytes, measured.clients_measured),
        application_in=received,
        application_out=sent,
        ip_in=ip_in,
        ip_out=ip_out,
        requests=_requests(measured),
        cpus=record.cpus,
    )


def _spent(record: ReverseRecord, raw: Raw) -> tuple[float | None, float | None]:
    """Return the CPU time in the window, and the part of a core between the samples, which may miss its ends."""
    if record.samples is None:
        return None, None
    before, after = record.samples
    cpu, seconds = difference(after.cpu_seconds, before.cpu_seconds), span_seconds(record.samples)
    if cpu is None or cpu < 0 or seconds <= 0:  # a child of it died, and took its counter along
        return None, None
    return (cpu if do_span(record.samples, raw.window) else None), cpu / seconds


def _counted(measured: Measured) -> tuple[int | None, int | None]:
    """Return the bytes that the server has counted in both directions, on connections that ask for updates."""
    if measured.server is None:
        return None, None
    before, after = measured.server
    return difference(after.received_bytes, before.received_bytes), difference(after.sent_bytes, before.sent_bytes)


def _requests(measured: Measured) -> int | None:
    """Return how many requests for updates the server has answered."""
    if measured.server is None:
        return None
    before, after = measured.server
    return difference(after.responses, before.responses)


def _ip(behind: Behind | None, received: int | None, sent: int | None) -> tuple[int | None, int | None]:
    """Return the IP layer's bytes into and out of the server, if the listed connections carried all that it counted."""
    if behind is None or received is None or sent is None:
        return None, None
    missed = abs(behind.received_bytes - received) + abs(behind.sent_bytes - sent)
    if missed > KNOWN_BYTES * (received + sent):
        return None, None
    options = SYN_OPTION_BYTES * behind.opened
    return (
        behind.received_bytes + SEGMENT_HEADER_BYTES * behind.segments_in + options,
        behind.sent_bytes + SEGMENT_HEADER_BYTES * behind.segments_out + options,
    )
