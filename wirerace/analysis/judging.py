"""Judging a trial: theory beside what was measured, and the verdict."""

from itertools import pairwise
from statistics import median
from typing import get_args

import msgspec

from wirerace.account import Spread, Window
from wirerace.analysis.made import Made
from wirerace.analysis.theory import PREDICTIONS, Prediction, Way, closed_news, sampling_deviation
from wirerace.analysis.thresholds import TOLERANCES
from wirerace.analysis.validity.finding import Evidence
from wirerace.analysis.validity.verdict import verdict
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.model import Experiment, Plan
from wirerace.experiment.record import Raw
from wirerace.experiment.trial import Cell, Quantity, Trial
from wirerace.histogram import merged
from wirerace.schedule import Truth
from wirerace.transports import HttpOptions

REPOLL_SAMPLE = 100


def judged(experiment: Experiment, plan: Plan, raw: Raw, trial: Trial) -> Trial:
    """Return the trial with what theory says of it, and the verdict."""
    with_theory = msgspec.structs.replace(trial, theory=theory_of(experiment, plan, raw, trial))
    found = verdict(Evidence(experiment, plan, raw, with_theory))
    if is_predicted(experiment) and not with_theory.theory:
        unchecked = [*found.unchecked, "theory: too little was measured to predict from"]
        found = msgspec.structs.replace(found, unchecked=unchecked)
    return msgspec.structs.replace(with_theory, verdict=found)


def is_predicted(experiment: Experiment) -> bool:
    """Tell whether theory says anything: it is of clients that stay, and of servers that go on."""
    return experiment.clients.shape == "steady" and not experiment.stall.lasts_seconds


def theory_of(experiment: Experiment, plan: Plan, raw: Raw, trial: Trial) -> list[Cell]:
    """Return theory beside measurement; nothing where nothing is predicted."""
    way = way_of(plan, raw, trial)
    if way is None or not is_predicted(experiment):
        return []
    predict, options = PREDICTIONS[plan.transport.name], plan.options
    made = Made(raw.window, read_together(made_ns_of(raw.truth), raw.window, trial.server.read_together or 0))
    given = predict(made, way, options)
    news = closed_news(experiment.producer)
    closed = predict(news, way, options) if news is not None else Prediction()
    deviation = (
        sampling_deviation(plan.transport.name, experiment.producer, way, options, trial.window_seconds) or Prediction()
    )
    cells = [_cell(quantity, measured_of(plan, trial), given, closed, deviation) for quantity in get_args(Quantity)]
    return [cell for cell in cells if cell.measured is not None and cell.given is not None]


def way_of(plan: Plan, raw: Raw, trial: Trial) -> Way | None:
    """Return what was measured of the way, None when it is not known.

    A poller's answer takes half of a request's time back from a server that has had the update since the feed brought
    it; a link's handshake, where each request opens a connection, lies before that. Where clients wait for the update,
    all are sent to when it comes: the first arrival, and how far the last lies behind it, of the typical update (the
    median), give the delay and the time of a send.
    """
    parts, requests = trial.latency_parts_seconds, trial.request_seconds.mean
    if plan.transport.name == "polling":
        if parts.producer is None or parts.feed is None or requests is None:
            return None
        return Way(parts.producer + parts.feed + (requests - raw.link.opening_seconds(plan.options)) / 2)
    spreads = awaited(raw, trial)
    if not spreads:
        return None
    first_ns = median(spread.least_ns for spread in spreads)
    send_ns = median((spread.most_ns - spread.least_ns) / max(1, spread.clients - 1) for spread in spreads)
    clients = round(trial.client_seconds / trial.window_seconds)
    return Way(first_ns / NS_PER_SECOND, clients, send_ns / NS_PER_SECOND, repolls_of(raw, trial))


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


def measured_of(plan: Plan, trial: Trial) -> Prediction:
    """Return what was measured of the quantities that theory predicts."""
    asks = isinstance(plan.options, HttpOptions)
    data, answers = trial.responses["data"], trial.responses["data"] + trial.responses["empty"]
    responses = answers if asks else trial.arrived
    return Prediction(
        latency_seconds=trial.latency_seconds.mean,
        age_seconds=trial.age_seconds.mean,
        empty_fraction=trial.empty_fraction,
        updates_per_response=trial.arrived / data if asks and data else None,
        responses_per_client_second=responses / trial.client_seconds if trial.client_seconds else None,
    )


def _cell(
    quantity: Quantity, measured: Prediction, given: Prediction, closed: Prediction, deviation: Prediction
) -> Cell:
    found, expected = getattr(measured, quantity), getattr(given, quantity)
    tolerance = within = None
    if expected is not None:
        relative, absolute = TOLERANCES[quantity]
        tolerance = relative * abs(expected) + absolute
        within = found is not None and abs(found - expected) <= tolerance
    return Cell(
        quantity=quantity,
        measured=found,
        given=expected,
        closed=getattr(closed, quantity),
        deviation=getattr(deviation, quantity),
        ratio=found / expected if found is not None and expected else None,
        tolerance=tolerance,
        within=within,
    )
