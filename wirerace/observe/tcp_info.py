"""TCP_INFO: what the kernel counts on one connection, as Linux lays it out (struct tcp_info in linux/tcp.h)."""

import struct
from typing import NamedTuple

INFO_BYTES = 208  # up to tcpi_bytes_sent, which came with Linux 4.19
# tcpi_state; tcpi_total_retrans; tcpi_bytes_received, tcpi_segs_out, tcpi_segs_in; tcpi_min_rtt; tcpi_bytes_sent.
_INFO = struct.Struct("=B99xI24xQII4xI48xQ")
_NO_ROUND_TRIP = 2**32 - 1  # tcpi_min_rtt before there was any
ESTABLISHED, CLOSED, CLOSE_WAIT = 1, 7, 8  # linux/tcp_states.h; in the last one the peer has closed


class TcpInfo(NamedTuple):
    """What one end of a connection has sent and received since its first SYN.

    Bytes are TCP's payload. Those sent include what was sent again, those received do not. `retransmitted` counts
    the segments that this end sent again. `round_trip_us` is the least round trip, 0 before the first one.
    """

    state: int
    retransmitted: int
    received_bytes: int
    segments_out: int
    segments_in: int
    round_trip_us: int
    sent_bytes: int


def read_tcp_info(info: bytes) -> TcpInfo | None:
    """Return the kernel's counters of a connection, None when the kernel is too old to have all of them."""
    if len(info) < INFO_BYTES:
        return None
    read = TcpInfo(*_INFO.unpack_from(info))
    return read._replace(round_trip_us=0) if read.round_trip_us == _NO_ROUND_TRIP else read
