"""A checkup of a machine on which nothing should be changed."""

from typing import Any

import msgspec

from wirerace.record.checkup import Checkup

WELL = Checkup(
    took_seconds=12.0,
    cores=4,
    cpu_quota_cores=None,
    cpu_governor="performance",
    load_average=0.1,
    others_cores=0.02,
    stolen_cores=0.0,
    memory_available_bytes=8_000_000_000,
    swap_used_bytes=0,
    memory_stalled_fraction=0.0,
    clock_source="tsc",
    clock_step_seconds=40e-9,
    clock_reading_seconds=80e-9,
    timer_slack_seconds=50e-6,
    sleep_late_seconds_p50=60e-6,
    sleep_late_seconds_p99=90e-6,
    round_trip_seconds_p50=30e-6,
    round_trip_seconds_p99=60e-6,
    kernel_stamps=True,
    reader_lag_seconds_p50=20e-6,
    reader_lag_seconds_p99=50e-6,
    open_files_soft=1024,
    open_files_hard=1_048_576,
    ephemeral_ports=28_232,
    shared_ports=0,
    port_reuse_seconds=1.0,
    connections_per_second=28_232.0,
    listen_backlog=4096,
    socket_slab_bytes=3800.0,
    producer_late_seconds_mean=0.2e-3,
    producer_late_seconds_p99=1e-3,
    load_seconds_per_poll=60e-6,
    load_seconds_per_message=30e-6,
    polls_per_second=10_000.0,
    messages_per_second=20_000.0,
)


def checkup(**changes: Any) -> Checkup:
    """Return it with some figures changed."""
    return msgspec.structs.replace(WELL, **changes)


ALWAYS_KNOWN = {field.name for field in msgspec.structs.fields(Checkup) if field.type in {int, float}}


def unknown() -> Checkup:
    """Return the checkup of a machine that reports as little as possible."""
    return checkup(**dict.fromkeys({field.name for field in msgspec.structs.fields(Checkup)} - ALWAYS_KNOWN))
