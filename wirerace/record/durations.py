"""Durations in result.json: a few of their statistics, as values."""

import msgspec


class Times(msgspec.Struct, frozen=True):
    """Durations of one kind, and their number."""

    count: int
    mean: float | None
    p50: float | None
    p99: float | None
    max: float | None


class Handshakes(msgspec.Struct, frozen=True):
    """TLS handshakes of a trial, those before the window included: how many, how many resumed a session, how long."""

    count: int
    resumed: int
    mean: float | None
    p99: float | None
