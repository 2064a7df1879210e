"""A cost model with known coefficients, and trials exactly as it says."""

import itertools
from collections.abc import Iterator

from wirerace.analysis.cost_model.fit import predicted_for
from wirerace.analysis.cost_model.model import Coefficient, CostModel, Provenance, Residuals, Span
from wirerace.analysis.cost_model.observations import Observation
from wirerace.analysis.cost_model.predict import Operated, gap_seconds, rates_of, theory_of
from wirerace.analysis.cost_model.terms import regressions_of
from wirerace.transports import TRANSPORTS

COMMON = {"idle": 0.004, "update": 0.0002, "base_memory": 3e7, "user_memory": 9e3, "slab_memory": 4e3}
COMMON |= {
    "cold": 0.0,
    "cooling": 0.1,
    "socket_memory": 0.0,
    "delay": 0.001,
    "envelope_bytes": 70.0,
    "payload_bytes": 1.0,
}
ASKED = {"request": 2e-5, "answer": 1.5e-5, "payload": 2e-9, "request_bytes": 64.0, "empty_bytes": 100.0}
ASKED |= {"answer_bytes": 160.0, "segments_in": 2.0, "segments_out": 1.0}
PUSHED = {"fan_out": 3e-4, "delivery": 8e-6, "payload": 1e-9, "segments_in": 1.0, "segments_out": 1.0}
PUSHED |= {"send": 8e-6, "send_payload": 1e-9}
KNOWN = {
    "polling": COMMON | ASKED | {"delivery": 2e-6, "cold": 8e-5, "cooling": 0.001},
    "longpolling": COMMON
    | ASKED
    | {"fan_out": 3e-4, "send": 2e-5, "send_payload": 1e-9, "gap": 0.002, "gap_client": 3e-5},
    "sse": COMMON | PUSHED,
    "stream": COMMON | PUSHED | {"envelope_bytes": 60.0},
    "websocket": COMMON | PUSHED | {"envelope_bytes": 55.0},
}
NOWHERE = Provenance(
    wirerace="0.1.0",
    measured_at=["2026-01-01T00:00:00+00:00"],
    cpu_model=None,
    cores=2,
    kernel="Linux",
    python="3.11.7",
    packages={},
    revision=None,
    trials=80,
    invalid_trials=3,
)
EXACT = Residuals(80, 0.0, 0.0, 1.0)
MODEL = CostModel(
    provenance=NOWHERE,
    coefficients={
        transport: {name: Coefficient(value, "", "") for name, value in values.items()}
        for transport, values in KNOWN.items()
    },
    residuals={transport: dict.fromkeys(("cpu", "bytes", "latency"), EXACT) for transport in KNOWN},
    measured={transport: {"clients": Span(10, 1e6), "updates_per_second": Span(0.001, 1e4)} for transport in KNOWN},
)
"""A model with round coefficients."""


def observed(transport: str) -> Iterator[Observation]:
    """Yield trials of a transport at some settings, as `MODEL` says without noise."""
    intervals = (1.0, 0.1) if transport == "polling" else (0.0,)
    holds = (25.0, 0.2) if transport == "longpolling" else (0.0,)
    for setting in itertools.product((100, 400), (2.0, 10.0), (100, 3000), intervals, holds):
        yield trial_of(Operated(transport, *setting))


def trial_of(operated: Operated) -> Observation:
    """Return a trial that is operated so, exactly as `MODEL` says."""
    transport, clients, rate, payload_bytes, interval, hold, _ = operated
    rates = rates_of(operated, theory_of(MODEL, operated))
    known = KNOWN[transport]
    one = Observation(
        transport=transport,
        valid=True,
        rate_per_second=rate,
        clients=clients,
        updates=rate,
        payload_bytes=payload_bytes,
        interval_seconds=interval,
        hold_seconds=hold,
        requests=rates.requests,
        answers=rates.answers,
        empty=rates.empty,
        deliveries=rates.deliveries,
        cpu=0.0,
        alone=known["idle"] + rate * known["update"],
        application_in=0.0,
        application_out=0.0,
        segments_in=0.0,
        segments_out=0.0,
        ip_bytes=0.0,
        base_bytes=known["base_memory"],
        user_bytes=known["user_memory"],
        slab_bytes=known["slab_memory"],
        socket_bytes=known["socket_memory"],
        latency=0.0,
        age=None,
        to_server=known["delay"],
        request_seconds=0.0,
        repoll_seconds=gap_seconds(MODEL, operated) or None,
    )
    sums = {
        regression.name: sum(known[term.name] * term.times(one) for term in regression.terms)
        for regression in regressions_of(transport)
    }
    says = predicted_for(MODEL, one)
    return one._replace(
        cpu=says.cpu,
        application_in=sums.get("bytes_in", 0.0),
        application_out=sums["bytes_out"],
        segments_in=sums["segments_in"],
        segments_out=sums["segments_out"],
        ip_bytes=says.ip_in + says.ip_out,
        latency=says.latency,
    )


EVERYTHING = [one for transport in TRANSPORTS for one in observed(transport)]
