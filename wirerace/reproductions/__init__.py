"""Published results as checks: one module each, with the same names in the same order."""

from wirerace.reproductions import (
    buffering_proxy,
    deflate_memory,
    fanout_median,
    half_interval,
    idle_timeout,
    kaazing,
    live_open_data,
    pull_interval,
    rfc6202,
    six_connections,
    wrk2_stall,
)
from wirerace.reproductions.check import Reproduction

REPRODUCTIONS: dict[str, Reproduction] = {
    module.REPRODUCTION.name: module.REPRODUCTION
    for module in (
        kaazing,
        wrk2_stall,
        rfc6202,
        pull_interval,
        half_interval,
        deflate_memory,
        fanout_median,
        live_open_data,
        six_connections,
        buffering_proxy,
        idle_timeout,
    )
}
