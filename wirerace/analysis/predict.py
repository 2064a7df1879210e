"""Predicting: theory beside what was measured."""

from typing import NamedTuple

import msgspec

from wirerace.analysis.predict_idle import idle_beside
from wirerace.analysis.predict_messages import messages_beside
from wirerace.analysis.predict_visits import visits_beside
from wirerace.analysis.reverse_figures import requests_per_second
from wirerace.analysis.tolerances import FAN_OUT_LATENCY, TOLERANCES, Tolerance
from wirerace.analysis.validity.theory import is_predicted
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import QUANTITIES, Cell, Condition, Kind, Quantity, Trial
from wirerace.theory import Theory, find_theory
from wirerace.theory.closed_forms import Arrivals, closed_arrivals
from wirerace.theory.deviation import sampling_deviation
from wirerace.theory.distribution import Distribution
from wirerace.theory.inputs import clients_of, made_ns_of, read_together
from wirerace.theory.mixture import Group, Mixture, clients_in_turn
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.recorded import MOST_REPLAYED, Recorded
from wirerace.workload.schedule import Source

DELAYED = ("latency_seconds", "age_seconds")
"""Quantities that include the delay of the path."""
LEAST_REPLAYED = 200
"""Answers that are replayed for each of several channels, at least."""


def theory_of(plan: Plan, raw: Raw, trial: Trial) -> tuple[list[Cell], list[Condition]]:
    """Return theory beside measurement, and the conditions under which it holds; empty if nothing is predicted."""
    if plan.experiment.population.is_visit:
        return visits_beside(plan, raw, trial)
    theory, path = _theory_and_path(plan, raw, trial)
    if theory is None or path is None:
        return [], []
    options = plan.options
    given = theory.predict(_made(plan, raw, trial), path, options)
    source = nominal_source(plan.experiment)
    arrivals = None if source is None else closed_arrivals(source)
    closed = theory.predict(arrivals, path, options) if arrivals is not None else Prediction()
    deviation = None
    if source is not None:
        deviation = sampling_deviation(theory.predict, source, path, options, trial.window_seconds)
    deviation = deviation or Prediction()
    beside = _Beside(path, measured_of(plan, trial), given, closed, deviation)
    cells = [cell_of(quantity, beside) for quantity in QUANTITIES]
    known = [cell for cell in cells if cell.measured is not None and cell.given is not None]
    of_messages, conditions = messages_beside(plan, raw, trial, known)
    of_breaks, idle = idle_beside(plan, raw, trial)
    return [*known, *of_messages, *of_breaks], [*given.conditions, *conditions, *idle]


def latencies_of(plan: Plan, raw: Raw, trial: Trial) -> Distribution | None:
    """Return how the latencies of a trial should be distributed, given its schedule; None if nothing is predicted.

    Its mean is the predicted one.
    """
    if plan.experiment.population.is_visit:
        return None
    theory, path = _theory_and_path(plan, raw, trial)
    return None if theory is None or path is None else theory.latencies(_made(plan, raw, trial), path, plan.options)


def _theory_and_path(plan: Plan, raw: Raw, trial: Trial) -> tuple[Theory | None, DeliveryPath | None]:
    """Return the theory of a trial, and its measured path; None where nothing is predicted."""
    theory = find_theory(plan.transport.name) if is_predicted(plan.experiment) else None
    return theory, None if theory is None else theory.path_of(plan, raw, trial)


def nominal_source(experiment: Experiment) -> Source | None:
    """Return the updates that are to be made, those from messages among them; None if they are not one process.

    Two Poisson processes together are one.
    """
    source, upstream = experiment.producer, experiment.upstream
    if not (upstream.is_on and upstream.fan_out):
        return source
    if source.arrivals != "poisson":
        return None
    more = upstream.rate_per_second * experiment.clients.count / source.channels
    return msgspec.structs.replace(source, rate_per_second=source.rate_per_second + more)


def _made(plan: Plan, raw: Raw, trial: Trial) -> Arrivals:
    """Return what was made, as the clients of each channel see it.

    Where there are several channels, it is rare that two updates of one of them are read together.
    """
    names = plan.experiment.producer.channel_names
    if len(names) == 1:
        return Recorded(raw.window, read_together(made_ns_of(raw.truth), raw.window, trial.server.read_together or 0))
    replayed = max(LEAST_REPLAYED, MOST_REPLAYED // len(names))
    return Mixture(
        [
            Group(Recorded(raw.window, made_ns_of(raw.truth, name), replayed), clients)
            for name, clients in zip(names, clients_in_turn(clients_of(trial), len(names)), strict=True)
            if clients
        ]
    )


def measured_of(plan: Plan, trial: Trial) -> Prediction:
    """Return the measured values of the quantities that theory predicts.

    Partial answers and the last one, which brings the rest, count as one answer: in theory an answer has no bound.
    """
    # A foreign server that gives one update at a time is asked until it has none, which no theory counts.
    asks = plan.transport.asks and not (plan.contestant.server is not None and trial.partial_responses)
    data = trial.responses["data"] - trial.partial_responses
    responses = data + trial.responses["empty"] if asks else trial.arrived
    return Prediction(
        latency_seconds=trial.latency_seconds.mean,
        age_seconds=trial.age_seconds.mean,
        empty_fraction=trial.responses["empty"] / responses if asks and responses else None,
        updates_per_response=trial.arrived / data if asks and data else None,
        responses_per_client_second=responses / trial.client_seconds
        if trial.client_seconds and asks == plan.transport.asks
        else None,
        server_requests_per_second=requests_per_second(trial),
    )


class _Beside(NamedTuple):
    """The measured values and the predictions, and the path of the predictions."""

    path: DeliveryPath
    measured: Prediction
    given: Prediction
    closed: Prediction
    deviation: Prediction


def cell_of(quantity: Quantity, beside: _Beside) -> Cell:
    """Return theory beside measurement for one quantity."""
    found, expected = getattr(beside.measured, quantity), getattr(beside.given, quantity)
    tolerance = within = None
    kind: Kind = "prediction"
    if expected is not None:
        relative, absolute = tolerance_of(quantity, beside.path)
        tolerance = relative * abs(expected) + absolute
        within = found is not None and abs(found - expected) <= tolerance
        if quantity in DELAYED and beside.path.fitted_seconds > tolerance:
            kind = "fit"
    return Cell(
        quantity=quantity,
        measured=found,
        given=expected,
        closed=getattr(beside.closed, quantity),
        deviation=getattr(beside.deviation, quantity),
        ratio=found / expected if found is not None and expected else None,
        tolerance=tolerance,
        within=within,
        kind=kind,
    )


def tolerance_of(quantity: Quantity, path: DeliveryPath) -> Tolerance:
    """Return how far a quantity may be from its prediction. A fan-out is known less exactly than a poll's waiting."""
    return FAN_OUT_LATENCY if quantity == "latency_seconds" and path.send_seconds else TOLERANCES[quantity]
