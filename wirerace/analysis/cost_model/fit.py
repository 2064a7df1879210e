"""Fitting: from the trials of a sweep to a cost model, and the refusal of one that does not fit."""

from collections.abc import Sequence
from statistics import median

from msgspec.structs import replace

from wirerace.analysis.cost_model.least_squares import non_negative, proportional
from wirerace.analysis.cost_model.model import (
    LOOPBACK_SEGMENT_BYTES,
    Coefficient,
    CostModel,
    Provenance,
    Residuals,
    Span,
)
from wirerace.analysis.cost_model.observations import Observation, invalid_because, observations_of
from wirerace.analysis.cost_model.predict import Operated, Predicted, has_latency, predicted, queue_seconds, values_of
from wirerace.analysis.cost_model.terms import (
    ALONE,
    COLD,
    MEMORY,
    Regression,
    cold_times,
    delays_of,
    regressions_of,
    way_of,
)
from wirerace.errors import BadInput
from wirerace.record.result import Result
from wirerace.theory.closed_forms import Poisson
from wirerace.transports import TRANSPORTS

LEAST_SETTINGS = 4
"""Of each transport: with fewer, the costs of payload, clients and rate cannot be told apart."""
COOLING_SECONDS = (0.0003, 0.0006, 0.001, 0.002, 0.003, 0.006, 0.01, 0.02, 0.03, 0.06, 0.1, 0.3, 1.0)
"""Times after which a server's caches are cold, among which the fit chooses."""
LIMITS = {"cpu": 0.2, "bytes": 0.1, "latency": 0.3}
"""The most that half of a transport's trials may be off by. The error of the other half is shown."""
TITLES = {"cpu": "the server's CPU time", "bytes": "the bytes at the IP layer", "latency": "the mean latency"}

Found = dict[str, Coefficient]


def fit(results: Sequence[Result], *, any_verdict: bool = False, note: str = "") -> CostModel:
    """Return a model of all trials of results that can be used. Only valid ones are, unless `any_verdict`.

    Raises BadInput when there are too few. Whether the model is any good says `refuse_poor`.
    """
    observed = observations_of(results)
    used = [one for one in observed if one.valid or any_verdict]
    if not used:
        raise BadInput(_nothing_to_fit(len(observed)))
    return model_of(used, _provenance(results, used, note))


def model_of(used: Sequence[Observation], provenance: Provenance) -> CostModel:
    """Return the model of some trials. Raises BadInput when a transport has too few of them."""
    alone = _fitted(ALONE, used)
    coefficients, measured = {}, {}
    for transport in [name for name in TRANSPORTS if any(one.transport == name for one in used)]:
        of_transport = [one for one in used if one.transport == transport]
        _check_settings(transport, of_transport)
        coefficients[transport] = alone | _fit_transport(transport, of_transport, used, alone)
        measured[transport] = _spans(of_transport)
    model = CostModel(provenance=provenance, coefficients=coefficients, residuals={}, measured=measured)
    residuals = {name: residuals_of(model, [one for one in used if one.transport == name]) for name in coefficients}
    return replace(model, residuals=residuals)


def _nothing_to_fit(observed: int) -> str:
    if observed:
        return (
            f"none of the {observed} trials is valid, so there is nothing to fit a cost model to; "
            "measure again on a quiet machine, or take them with --any-verdict"
        )
    return "there is no trial to fit a cost model to; run a sweep such as experiments/cost-model.toml"


def _check_settings(transport: str, observed: Sequence[Observation]) -> None:
    settings = {
        (round(one.clients), one.rate_per_second, one.payload_bytes, one.interval_seconds, one.hold_seconds)
        for one in observed
    }
    if len(settings) < LEAST_SETTINGS:
        raise BadInput(
            f"{TRANSPORTS[transport].title}: trials at {len(settings)} settings are too few to fit a cost model to, "
            f"which takes {LEAST_SETTINGS}; sweep clients.count, producer.rate_per_second and producer.payload_bytes, "
            "as experiments/cost-model.toml does"
        )


def _fit_transport(
    transport: str, observed: Sequence[Observation], everyone: Sequence[Observation], alone: Found
) -> Found:
    found: Found = {}
    for regression in regressions_of(transport):
        found |= _fitted_cpu(regression, observed, alone) if regression.name == "cpu" else _fitted(regression, observed)
    return found | _memory(observed, everyone) | _delays(transport, observed, alone | found)


def _fitted(regression: Regression, observed: Sequence[Observation]) -> Found:
    rows = [[term.times(one) for term in regression.terms] for one in observed]
    values = non_negative(rows, [regression.measured(one) for one in observed]).values
    return {
        term.name: Coefficient(value, term.unit, term.about)
        for term, value in zip(regression.terms, values, strict=True)
    }


def _fitted_cpu(regression: Regression, observed: Sequence[Observation], alone: Found) -> Found:
    """Fit what is beyond the CPU time without clients, which is the same for all transports.

    Operations that find a cold server cost more. The time of cooling is the one that fits best.
    """
    rows = [[term.times(one) for term in regression.terms] for one in observed]
    cpu = [regression.measured(one) for one in observed]
    bases = [sum(alone[term.name].value * term.times(one) for term in ALONE.terms) for one in observed]

    def with_cold(seconds: float) -> list[list[float]]:
        colds = [cold_times(one.transport, one.requests, one.deliveries, one.updates, seconds) for one in observed]
        return [[*row, cold] for row, cold in zip(rows, colds, strict=True)]

    tried = [(proportional(with_cold(seconds), cpu, bases), seconds) for seconds in COOLING_SECONDS]
    best, seconds = min(tried, key=lambda one: one[0].loss)
    found = {
        term.name: Coefficient(value, term.unit, term.about)
        for term, value in zip(regression.terms, best.values, strict=False)
    }
    values = {"cold": best.values[-1], "cooling": seconds}
    return found | {name: Coefficient(value, "s", COLD[name]) for name, value in values.items()}


def _memory(observed: Sequence[Observation], everyone: Sequence[Observation]) -> Found:
    """Return the medians; buffers of the kernel are the same for all, and too small to be told apart by transport."""
    values = {
        "base_memory": [one.base_bytes for one in observed],
        "user_memory": [one.user_bytes for one in observed if one.user_bytes is not None],
        "slab_memory": [one.slab_bytes for one in observed if one.slab_bytes is not None],
        "socket_memory": [one.socket_bytes for one in everyone if one.socket_bytes is not None],
    }
    if not values["user_memory"]:
        raise BadInput(
            "no trial has enough clients to show what one of them takes of the memory; sweep clients.count to 200 or "
            "more, as experiments/cost-model.toml does"
        )
    return {
        name: Coefficient(max(0.0, median(values[name])) if values[name] else 0.0, "B", about)
        for name, about in MEMORY.items()
    }


def _delays(transport: str, observed: Sequence[Observation], costs: Found) -> Found:
    value = {name: one.value for name, one in costs.items()}
    observed = [one for one in observed if has_latency(value, operated_in(one))] or observed
    about = delays_of(transport)
    way = way_of(transport)
    if way == "polled":
        found = [median(one.to_server + (one.request_seconds or 0.0) / 2 for one in observed)]
    else:
        rows = [[1.0, (one.clients - 1) / 2, (one.clients - 1) / 2 * one.payload_bytes] for one in observed]
        found = non_negative(
            rows, [one.latency - _away_seconds(one) - queue_seconds(value, operated_in(one)) for one in observed]
        ).values
    if way == "held":
        back = [one for one in observed if one.repoll_seconds]
        found += non_negative(
            [[1.0, one.clients - 1] for one in back], [one.repoll_seconds or 0 for one in back]
        ).values
    units = {"send_payload": "s/B"}
    return {
        name: Coefficient(value, units.get(name, "s"), words)
        for (name, words), value in zip(about.items(), found, strict=True)
    }


def _away_seconds(one: Observation) -> float:
    """Return how much later updates come because long-polling clients are away when they are made."""
    if not one.repoll_seconds:
        return 0.0
    polls = Poisson(one.rate_per_second).long_polled((one.repoll_seconds,), one.hold_seconds, 0.0)
    return (polls and polls.wait_seconds) or 0.0


def _spans(observed: Sequence[Observation]) -> dict[str, Span]:
    quantities = {
        "clients": [one.clients for one in observed],
        "updates_per_second": [one.updates for one in observed],
        "payload_bytes": [one.payload_bytes for one in observed],
        "interval_seconds": [one.interval_seconds for one in observed if one.interval_seconds],
        "requests_per_second": [one.requests for one in observed if one.requests],
        "deliveries_per_second": [one.deliveries for one in observed],
    }
    return {name: Span(min(values), max(values)) for name, values in quantities.items() if values}


def predicted_for(model: CostModel, one: Observation) -> Predicted:
    """Return what the model says of a trial: one process, on loopback."""
    return predicted(model, operated_in(one), LOOPBACK_SEGMENT_BYTES)


def operated_in(one: Observation) -> Operated:
    """Return how the server of a trial was operated."""
    return Operated(one.transport, one.clients, one.updates, one.payload_bytes, one.interval_seconds, one.hold_seconds)


def residuals_of(model: CostModel, observed: Sequence[Observation]) -> dict[str, Residuals]:
    """Return how far the model is from trials of one transport: CPU time, bytes at the IP layer, mean latency.

    Latency only counts where theory knows it, unless that is in no trial.
    """
    known = [one for one in observed if has_latency(values_of(model, one.transport), operated_in(one))]
    pairs: dict[str, list[tuple[float, float]]] = {"cpu": [], "bytes": [], "latency": []}
    for one in observed:
        says = predicted_for(model, one)
        pairs["cpu"].append((says.cpu, one.cpu))
        pairs["bytes"].append((says.ip_in + says.ip_out, one.ip_bytes))
        if one in known or not known:
            pairs["latency"].append((says.latency, one.latency))
    return {name: _residuals(values) for name, values in pairs.items()}


def _residuals(pairs: Sequence[tuple[float, float]]) -> Residuals:
    errors = [abs(says / value - 1) for says, value in pairs if value]
    mean = sum(value for _, value in pairs) / len(pairs)
    spread = sum((value - mean) ** 2 for _, value in pairs)
    squares = sum((says - value) ** 2 for says, value in pairs)
    return Residuals(
        trials=len(pairs),
        median=median(errors) if errors else 0.0,
        largest=max(errors, default=0.0),
        r_squared=1 - squares / spread if spread else None,
    )


def refuse_poor(model: CostModel) -> None:
    """Raise BadInput, which says by how much, if a model does not fit the trials that it was fitted to."""
    for transport in model.coefficients:
        for name, limit in LIMITS.items():
            found = model.residuals[transport].get(name)
            if found is None or not found.median <= limit:
                off = "by an unknown amount" if found is None else f"by {100 * found.median:.0f} % or more"
                raise BadInput(
                    f"the cost model does not fit: {TITLES[name]} with {TRANSPORTS[transport].title} is off {off} in "
                    f"half of the trials, and {100 * limit:.0f} % is the most; measure again on a quiet machine, with "
                    "a longer window.measure_seconds or more repeats"
                )


def _provenance(results: Sequence[Result], used: Sequence[Observation], note: str) -> Provenance:
    last = results[-1]
    return Provenance(
        wirerace=last.wirerace,
        measured_at=sorted(result.started_at for result in results),
        cpu_model=last.host.cpu_model,
        cores=last.host.cores,
        kernel=last.host.kernel,
        python=last.host.python,
        packages=last.host.packages,
        revision=last.host.revision,
        trials=len(used),
        invalid_trials=sum(not one.valid for one in used),
        invalid_because=invalid_because(results) if any(not one.valid for one in used) else {},
        note=note,
    )
