"""What the harness itself does on a machine, as values: `wirerace doctor` measures it, and a result can hold it."""

import msgspec


class Checkup(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the harness at rest, on one machine at one time. Seconds and counts; None is unknown, never 0.

    docs/measuring.md explains each. The quick checkup leaves the last ones out, which need a working load and producer.
    """

    took_seconds: float
    cores: int
    cpu_quota_cores: float | None
    cpu_governor: str | None
    load_average: float | None
    others_cores: float | None
    stolen_cores: float | None
    memory_available_bytes: int
    swap_used_bytes: int
    memory_stalled_fraction: float | None
    clock_source: str | None
    clock_step_seconds: float | None
    clock_reading_seconds: float
    timer_slack_seconds: float | None
    sleep_late_seconds_p50: float
    sleep_late_seconds_p99: float
    round_trip_seconds_p50: float | None
    round_trip_seconds_p99: float | None
    kernel_stamps: bool | None
    reader_lag_seconds_p50: float | None
    reader_lag_seconds_p99: float | None
    open_files_soft: int | None
    open_files_hard: int | None
    ephemeral_ports: int | None
    shared_ports: int | None
    port_reuse_seconds: float | None
    connections_per_second: float | None
    listen_backlog: int | None
    socket_slab_bytes: float | None = None
    producer_late_seconds_mean: float | None = None
    producer_late_seconds_p99: float | None = None
    load_seconds_per_poll: float | None = None
    load_seconds_per_message: float | None = None
    polls_per_second: float | None = None
    messages_per_second: float | None = None
