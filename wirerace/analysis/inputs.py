"""What predictions need to know of the path between producer and clients, measured in the same trial."""

from itertools import pairwise
from statistics import median

from wirerace.analysis.delays import Way
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.plans import Plan
from wirerace.observe.account import Spread, Window
from wirerace.observe.histogram import merged
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.workload.schedule import Truth

REPOLL_SAMPLE = 100
MOST_ALONE_SECONDS = 0.0003
"""What a server can spend on an update before the first send. Beyond that it is timers and heartbeats: they are most of
what a server without clients does where updates are rare, and no update waits for them.
"""
US = 1e-6


def way_of(plan: Plan, raw: Raw, trial: Trial) -> Way | None:
    """Return what was measured of the path, None when it is not known."""
    return {"polling": _asked, "longpolling": _held, "websocket": _pushed}[plan.transport.name](plan, raw, trial)


def _asked(plan: Plan, raw: Raw, trial: Trial) -> Way | None:
    """Return a poller's path.

    Its answer takes half of a request's time back from a server that has had the update since the feed brought it; a
    link's handshake, where each request opens a connection, lies before that.
    """
    at_server, requests = _to_server(trial), trial.request_seconds.mean
    if at_server is None or requests is None:
        return None
    return Way(
        at_server + (requests - raw.path.opening_seconds(plan.options)) / 2,
        _clients(trial),
        cost_seconds=_ratio(trial.server.cpu_seconds, trial.requests),
        late_fraction=trial.late_polls / trial.requests if trial.requests else 0.0,
        failed_fraction=_failed(trial),
    )


def _held(plan: Plan, raw: Raw, trial: Trial) -> Way | None:  # noqa: ARG001 -- as its neighbours
    """Return the path of clients that wait: the time of a send is fitted, for the server's CPU clock counts more.

    Of the CPU time for a delivery, taking in the next request is the greater part, and no part of the fan-out.
    """
    spreads = awaited(raw, trial)
    if not spreads:
        return None
    clients, send_seconds, to_clients = _clients(trial), _send_seconds(spreads), _to_clients(raw, trial)
    first_seconds = median(spread.least_ns for spread in spreads) / NS_PER_SECOND
    way = Way(
        first_seconds if to_clients is None else to_clients,
        clients,
        send_seconds,
        repolls_of(raw, trial),
        cost_seconds=_ratio(trial.server.cpu_seconds, trial.arrived),
        failed_fraction=_failed(trial),
    )
    fitted = way.push_seconds - (to_clients or 0.0)
    return way._replace(fitted_seconds=fitted)


def _pushed(plan: Plan, raw: Raw, trial: Trial) -> Way | None:  # noqa: ARG001 -- as its neighbours
    """Return the path of clients that listen; without the server's CPU time it is fitted."""
    spreads, to_clients = raw.account.spreads, _to_clients(raw, trial)
    if not spreads:
        return None
    cost_seconds = _ratio(trial.server.cpu_seconds, trial.arrived)
    if to_clients is None:
        first_seconds = median(spread.least_ns for spread in spreads) / NS_PER_SECOND
        way = Way(first_seconds, _clients(trial), _send_seconds(spreads), cost_seconds=cost_seconds)
        return way._replace(fitted_seconds=way.push_seconds)
    sending = max(0.0, _busy_seconds(trial) - _alone_seconds(trial))
    send_seconds = sending * trial.updates / max(1, trial.arrived)
    return Way(to_clients, _clients(trial), send_seconds, cost_seconds=cost_seconds)


def _to_server(trial: Trial) -> float | None:
    """Return the mean time from making to the server, None when it is not known."""
    parts = trial.latency_parts_seconds
    return None if parts.producer is None or parts.feed is None else parts.producer + parts.feed


def _to_clients(raw: Raw, trial: Trial) -> float | None:
    """Return the mean time from making to the first client, without anything read from a latency; None when unknown.

    It is the time to the server, half of what the server spends on an update without any client, half of the least
    round trip that the kernel saw, and a link's delay. How much of the server's time lies before the first send is not
    known, so half of it is taken.
    """
    at_server, traffic = _to_server(trial), raw.account.traffic[1]
    if at_server is None or trial.server.cpu_seconds is None or not trial.updates:
        return None
    trip_seconds = traffic.round_trip_us / traffic.connections * US if traffic.connections else 0.0
    alone_seconds = min(_alone_seconds(trial), MOST_ALONE_SECONDS)
    return at_server + alone_seconds / 2 + trip_seconds / 2 + raw.path.delay_seconds


def _busy_seconds(trial: Trial) -> float:
    """Return how long the server needs for an update: running, and waiting for a core."""
    return ((trial.server.cpu_seconds or 0.0) + (trial.server.waited_seconds or 0.0)) / trial.updates


def _alone_seconds(trial: Trial) -> float:
    """Return how long it needs for an update without any client, and for all that it does beside, by update."""
    alone = (trial.server.idle_utilisation or 0.0) * trial.window_seconds / trial.updates
    return min(alone, _busy_seconds(trial))


def _send_seconds(spreads: list[Spread]) -> float:
    """Return the time of a send that the typical update shows: from its first arrival to its last."""
    sends = ((spread.most_ns - spread.least_ns) / max(1, spread.clients - 1) for spread in spreads)
    return median(sends) / NS_PER_SECOND


def _clients(trial: Trial) -> int:
    return round(trial.client_seconds / trial.window_seconds)


def _failed(trial: Trial) -> float:
    return trial.responses["error"] / trial.requests if trial.requests else 0.0


def _ratio(amount: float | None, count: int) -> float | None:
    return amount / count if amount is not None and count else None


def awaited(raw: Raw, trial: Trial) -> list[Spread]:
    """Return how updates spread that found clients waiting for them; how all did, if none is sure to have.

    Whoever was away when the one before it was made, is back two re-poll gaps later.
    """
    made_ns = made_ns_of(raw.truth)
    away_ns = to_ns(2 * (trial.repoll_seconds.p99 or 0))
    alone = {after for before, after in pairwise([0, *made_ns]) if after - before > away_ns}
    made_at = raw.truth.made_at
    found = [
        spread
        for epoch, of_epoch in raw.account.updates.items()
        for seq, spread in of_epoch.items()
        if made_at[epoch, seq] in alone
    ] or raw.account.spreads
    return [spread for spread in found if spread.clients > 1] or found


def repolls_of(raw: Raw, trial: Trial) -> tuple[float, ...]:
    """Return a sample of re-poll gaps, seconds: quantiles of those that were measured, a round trip included."""
    gaps, mean_seconds = merged([raw.account.repolling]), trial.repoll_seconds.mean
    own_mean_ns = gaps.mean_ns()
    if own_mean_ns is None or mean_seconds is None:
        return ()
    trip_seconds = mean_seconds - own_mean_ns / NS_PER_SECOND
    percents = ((index + 0.5) / REPOLL_SAMPLE * 100 for index in range(REPOLL_SAMPLE))
    return tuple((gaps.percentile_ns(percent) or 0) / NS_PER_SECOND + trip_seconds for percent in percents)


def made_ns_of(truth: Truth) -> list[int]:
    """Return when updates were made, of all epochs, in order."""
    return [ts for made in truth.epochs for ts in made.ts]


def read_together(made_ns: list[int], window: Window, count: int) -> list[int]:
    """Return making times as the server has read them: so many updates of the window came with the one before them.

    Those that were made closest together are taken for them. Clients that wait get such updates in one answer.
    """
    pairs = [index for index in range(1, len(made_ns)) if window.has(made_ns[index])]
    pairs.sort(key=lambda index: made_ns[index] - made_ns[index - 1])
    seen_ns = list(made_ns)
    for index in sorted(pairs[:count], reverse=True):
        seen_ns[index - 1] = seen_ns[index]
    return seen_ns
