"""An order: what an experiment asks of one load, as one value that is sent between two processes."""

from typing import Any, Literal

import msgspec

from wirerace.wire.dialect import Dialect
from wirerace.workload.population import Population
from wirerace.workload.schedule import ChannelCount
from wirerace.workload.upstream import Upstream


class LoadOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A contestant's clients: their transport and its options, the address of their server, and their shape.

    The clients spread over `channels` of the producer in turn; one is the default channel.

    `shape` has the keys of the shape's own table. The name of the shape and the number of clients are in Locust's own
    options. `seed` is for phases and jitter. A load with an order waits for the window of its experiment before the
    shape's time begins. Visitors of the `population` begin to come, and clients to send as `upstream` says,
    `warmup_seconds` before the window.

    Clients trust `authority`, a certificate as PEM, where the address is https. With `resumes` a client that connects
    again resumes its TLS session. They speak HTTP of the version `http`, `streams_per_connection` of them over one
    connection, and accept answers with `compression`.

    A foreign server speaks its own `dialect`. Its `target` is the path, with its query, where clients subscribe; empty
    for the transport's own path.

    Where the load runs on other hosts than the producer, `clock` is the place at which the producer's host answers
    probes of its clock over UDP, such as `10.0.0.1:5558`.
    """

    transport: str
    options: dict[str, Any]
    url: str
    channels: ChannelCount = 1
    shape: dict[str, Any] = {}
    seed: int = 1
    population: Population = Population()
    warmup_seconds: float = 0.0
    upstream: Upstream = Upstream()
    authority: str = ""
    resumes: bool = True
    http: Literal[1, 2] = 1
    streams_per_connection: int = 1
    compression: Literal["off", "gzip", "br"] = "off"
    dialect: Dialect = "contract"
    target: str = ""
    clock: str = ""
