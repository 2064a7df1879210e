"""result.json: what an experiment found, as values; a promise to other programs. Unknown is null, never 0.

Seconds and bytes throughout. Rates and costs count what fell into the window by wall time, everything about deliveries
what was made in it; docs/measuring.md defines each figure.
"""

import os
from pathlib import Path
from typing import Any

import msgspec

from wirerace.account import AccountRecord, Outcome, Stage, Window
from wirerace.errors import BadInput
from wirerace.schedule import Truth

SCHEMA = 1
FILE_NAME = "result.json"


class Latency(msgspec.Struct, frozen=True):
    """Delivery latency. A percentile is null when no update has a delivery beyond it."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float | None


class Age(msgspec.Struct, frozen=True):
    """Age of information: its time average, and the mean of the peaks that it reaches before each newer update."""

    mean: float | None
    peak_mean: float | None


class Connecting(msgspec.Struct, frozen=True):
    """From the first packet to the first cursor, or to an earlier stage, over all connections of the trial."""

    mean: float | None
    p99: float | None


class Returning(msgspec.Struct, frozen=True):
    """Connections that broke, or were cut by the load itself: how many came back, and after how long."""

    count: int
    mean: float | None
    p99: float | None
    max: float | None


class Bytes(msgspec.Struct, frozen=True):
    """Bytes as the server counts them; pings and pongs, both ways, are in `heartbeat` alone."""

    payload: int | None
    application_in: int | None
    application_out: int | None
    heartbeat: int | None


class ServerCost(msgspec.Struct, frozen=True):
    """What the server under test spent: CPU time in the window; user memory without clients and with all of them."""

    cpu_seconds: float | None
    cpu_us_per_delivery: float | None
    user_bytes_idle: int | None
    user_bytes: int | None
    bytes_per_client: float | None


class LoadCost(msgspec.Struct, frozen=True):
    """What the load generator spent in the window; utilisation 1 is all of the cores that its processes had."""

    cpu_seconds: float | None
    cpu_utilisation: float | None
    processes: int


class ProducerQuality(msgspec.Struct, frozen=True):
    """How well the producer kept its schedule."""

    late_seconds_p99: float | None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One transport at one setting, once; `variant` names the setting, nothing for the plain one.

    `clients` is the most there were at one time, `client_seconds` how long all together were subscribed in the window.
    `arrived` counts deliveries by arrival: what costs are divided by.
    """

    transport: str
    variant: str = ""
    repeat: int
    seed: int
    clients: int
    client_seconds: float
    window_seconds: float
    updates: int
    expected: int
    delivered: int
    lost: int
    duplicated: int
    reordered: int
    reach: float | None
    arrived: int
    latency_seconds: Latency
    age_seconds: Age
    requests: int
    responses: dict[Outcome, int]
    late_polls: int
    connect_seconds: Connecting
    connect_stages_seconds: dict[Stage, Connecting]
    failed_connects: int
    connects: int
    cuts: int
    return_seconds: Returning
    restarts: int
    bytes: Bytes
    server: ServerCost
    load: LoadCost
    producer: ProducerQuality

    @property
    def is_whole(self) -> bool:
        """Tell whether every update reached every client once and in order."""
        return not (self.lost or self.duplicated or self.reordered)


class Failure(msgspec.Struct, frozen=True):
    """A trial that could not be completed."""

    transport: str
    repeat: int
    reason: str
    variant: str = ""


class Host(msgspec.Struct, frozen=True):
    """Where it ran."""

    cores: int
    kernel: str
    python: str
    packages: dict[str, str]


class Result(msgspec.Struct, kw_only=True):
    """All of result.json. `experiment` is as resolved, with every default; `warnings` say what colours the result."""

    schema: int = SCHEMA
    wirerace: str
    experiment: dict[str, Any]
    host: Host
    started_at: str
    warnings: list[str] = []
    trials: list[Trial] = []
    failures: list[Failure] = []


class _Schema(msgspec.Struct):
    schema: int


class Raw(msgspec.Struct, frozen=True):
    """What a trial's figures were computed from: raw/<repeat>-<transport>[-<variant>].json.

    `truth` reaches from the priming update to the end of the window.
    """

    window: Window
    account: AccountRecord
    truth: Truth


def write_json(path: Path, value: object) -> None:
    """Write `value` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    partial.replace(path)


def read_result(directory: Path) -> Result:
    """Return the result in a directory.

    Raises BadInput when there is none, or none that this version can read.
    """
    path = directory / FILE_NAME
    try:
        encoded = path.read_bytes()
        schema = msgspec.json.decode(encoded, type=_Schema).schema
        if schema != SCHEMA:
            raise BadInput(f"{path}: schema {schema}; this version reads {SCHEMA}")
        return msgspec.json.decode(encoded, type=Result)
    except OSError as error:
        raise BadInput(f"{path}: {os.strerror(error.errno or 0)}; give the directory of a run") from None
    except msgspec.DecodeError as error:
        raise BadInput(f"{path}: no result of Wirerace: {error}") from None
