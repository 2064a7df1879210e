"""Observations: what a cost model needs of each trial, as rates over its window."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from wirerace.errors import BadInput
from wirerace.experiment.model import Experiment
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import contestants_of
from wirerace.experiment.reading import study_of
from wirerace.experiment.settings import resolved
from wirerace.record.result import Result
from wirerace.record.trial import Trial
from wirerace.transports.transport import TransportOptions

FREE_OPTIONS = ("interval_seconds", "hold_seconds")
"""Options of which the model knows the effect. With any other than its default, a trial is not used."""


class Observation(NamedTuple):
    """One trial. Rates are those of all clients of a server together; times are in seconds, sizes in bytes.

    Of a server with replicas everything is that of one of them, on average.

    `rate_per_second` is the nominal rate of `updates`. `answers` brought updates, `empty` answers none. `cpu` is the
    server's CPU time for a second of the window, `alone` the same without any client. Memory is that of one client,
    None with too few of them.
    """

    transport: str
    valid: bool
    rate_per_second: float
    clients: float
    updates: float
    payload_bytes: float
    interval_seconds: float
    hold_seconds: float
    requests: float
    answers: float
    empty: float
    deliveries: float
    cpu: float
    alone: float
    application_in: float
    application_out: float
    segments_in: float
    segments_out: float
    ip_bytes: float
    base_bytes: float
    user_bytes: float | None
    slab_bytes: float | None
    socket_bytes: float | None
    latency: float
    age: float | None
    to_server: float
    request_seconds: float | None
    repoll_seconds: float | None
    replicas: int = 1

    @property
    def payload(self) -> float:
        """Bytes of payload that all clients receive in a second."""
        return self.deliveries * self.payload_bytes


def observations_of(results: Sequence[Result], *, may_be_balanced: bool = False) -> list[Observation]:
    """Return the trials of results that a model can be fitted to.

    With `may_be_balanced`, a reverse proxy may stand before the servers: their CPU time is much as without it.
    """
    return [found for result in results for found in _of_result(result, may_be_balanced=may_be_balanced)]


def invalid_because(results: Sequence[Result]) -> dict[str, int]:
    """Return how many trials have each reason to be invalid; the reason's numbers are left out."""
    reasons = (
        finding.why or finding.what
        for result in results
        for trial in result.counted
        if trial.verdict is not None
        for finding in trial.verdict.findings
        if finding.weight == "reason"
    )
    return dict(Counter(reasons).most_common())


def _of_result(result: Result, *, may_be_balanced: bool) -> Iterator[Observation]:
    for index, point in enumerate(result.points):
        document = resolved(result.experiment, point.setting)
        if document.get("producer", {}).get("arrivals") == "trace":  # its file may be gone
            continue
        experiment = study_of(document, Path()).first
        if not _is_plain(experiment):
            continue
        options = {
            (one.id, one.transport.name): one.options
            for one in contestants_of(experiment)
            if one.server is None and (_is_direct(one.path) or (may_be_balanced and _is_balanced(one.path)))
        }
        for trial in result.counted:
            chosen = options.get((trial.contestant, trial.transport))
            if trial.point == index and chosen is not None and _is_default(chosen) and _is_measured(trial):
                yield _of_trial(trial, experiment, chosen)


def _is_plain(experiment: Experiment) -> bool:
    """Return whether a setting is one that the model describes: clients that stay, one channel, updates of one size."""
    source = experiment.producer
    return (
        not experiment.population.is_visit
        and experiment.kind == "comparison"
        and experiment.servers.cpus is None
        and not experiment.upstream.is_on
        and not experiment.faults
        and experiment.clients.shape == "steady"
        and source.channels == 1
        and source.arrivals in {"poisson", "periodic"}
        and isinstance(source.payload_bytes, int)
    )


def _is_direct(path: NetworkPath) -> bool:
    return not (path.is_forwarded or path.tls)


def _is_balanced(path: NetworkPath) -> bool:
    """Return whether a path has nothing but a reverse proxy as its documentation recommends it."""
    return path == NetworkPath(proxy=path.proxy, settings="tuned")


def _is_default(options: TransportOptions) -> bool:
    """Return whether all options have their defaults, but for those of which the model knows the effect."""
    default = type(options)()
    return all(
        getattr(options, name) == getattr(default, name)
        for name in options.__struct_fields__
        if name not in FREE_OPTIONS
    )


def _is_measured(trial: Trial) -> bool:
    """Return whether a trial has every figure that the model needs, and delivered everything."""
    needed = (
        trial.server.cpu_seconds,
        trial.server.idle_utilisation,
        trial.server.user_bytes_idle,
        trial.bytes.application_in,
        trial.bytes.ip_in,
        trial.latency_seconds.mean,
        trial.latency_parts_seconds.feed,
        trial.latency_parts_seconds.producer,
    )
    return None not in needed and trial.is_whole and trial.updates > 0 and trial.arrived > 0 and not trial.restarts


def _of_trial(trial: Trial, experiment: Experiment, options: object) -> Observation:
    replicas, server, sent = experiment.servers.replicas, trial.server, trial.bytes
    window = trial.window_seconds * replicas  # so that what follows is that of one of them
    parts = trial.latency_parts_seconds
    if not isinstance(experiment.producer.payload_bytes, int):
        raise BadInput("the payloads have no single size")
    return Observation(
        transport=trial.transport,
        valid=trial.is_valid,
        rate_per_second=experiment.producer.rate_per_second,
        clients=trial.client_seconds / window,
        updates=trial.updates / trial.window_seconds,
        payload_bytes=experiment.producer.payload_bytes,
        interval_seconds=getattr(options, "interval_seconds", 0.0),
        hold_seconds=getattr(options, "hold_seconds", 0.0),
        requests=trial.requests / window,
        answers=trial.responses["data"] / window,
        empty=trial.responses["empty"] / window,
        deliveries=trial.arrived / window,
        cpu=(server.cpu_seconds or 0.0) / window,
        alone=(server.idle_utilisation or 0.0) / replicas,
        application_in=(sent.application_in or 0) / window,
        application_out=(sent.application_out or 0) / window,
        segments_in=(sent.segments_in or 0) / window,
        segments_out=(sent.segments_out or 0) / window,
        ip_bytes=((sent.ip_in or 0) + (sent.ip_out or 0)) / window,
        base_bytes=(server.user_bytes_idle or 0) / replicas,
        user_bytes=server.bytes_per_client,
        slab_bytes=server.slab_bytes_per_client,
        socket_bytes=server.socket_bytes_per_client,
        latency=trial.latency_seconds.mean or 0.0,
        age=trial.age_seconds.mean,
        to_server=sum(part or 0.0 for part in (parts.producer, parts.broker, parts.feed)),
        request_seconds=trial.request_seconds.mean,
        repoll_seconds=trial.repoll_seconds.mean,
        replicas=replicas,
    )
