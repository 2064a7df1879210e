"""Predicting visits: theory beside what visitors measured."""

from typing import NamedTuple

from wirerace.analysis.tolerances import TOLERANCES
from wirerace.analysis.validity.theory import is_predicted
from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Cell, Condition, Trial, VisitQuantity
from wirerace.theory import find_theory
from wirerace.theory.conditions import checked
from wirerace.theory.inputs import failed_fraction_of, made_ns_of, seconds_to_server
from wirerace.theory.visits import Visiting, closed_first_age, first_age_seconds

US = 1e-6


def visits_beside(plan: Plan, raw: Raw, trial: Trial) -> tuple[list[Cell], list[Condition]]:
    """Return theory beside the measured visits, and the conditions under which it holds; empty without a prediction."""
    theory, visiting = find_theory(plan.transport.name), visiting_of(plan, raw, trial)
    if theory is None or visiting is None or trial.visits is None or not is_predicted(plan.experiment):
        return [], []
    visits, source = trial.visits, plan.experiment.producer
    given = theory.visited(visiting, plan.options)
    closed = theory.visited_in_closed_form(source, visiting, plan.options)
    found = [
        _Row(
            "first_age_seconds",
            visits.first_age_seconds.mean,
            first_age_seconds(visiting),
            closed_first_age(source, visiting.delay_seconds),
        ),
        _Row("requests_per_visit", visits.requests, given and given.requests, closed and closed.requests),
    ]
    if visiting.updates > 1:  # The time of one update is measured, not predicted.
        whole = visits.stages_seconds["closed"].mean
        found.append(_Row("visit_seconds", whole, given and given.seconds, closed and closed.seconds))
    conditions = checked(
        gave_up=visits.gave_up / visits.due if visits.due else 0.0,
        late_polls=trial.late_polls / trial.requests if trial.requests and plan.options.period_seconds else None,
        failed_requests=failed_fraction_of(trial),
    )
    return [row.cell for row in found if row.measured is not None and row.given is not None], list(conditions)


def visiting_of(plan: Plan, raw: Raw, trial: Trial) -> Visiting | None:
    """Return the visitors and their path, as measured; None when too little is known of it."""
    at_server, visits = seconds_to_server(trial), trial.visits
    if raw.path.bandwidth_bits_per_second or raw.path.held_back_bytes(plan.transport):
        return None
    if at_server is None or visits is None or (first := visits.stages_seconds["first_update"].mean) is None:
        return None
    origin_ns, traffic = raw.window.from_ns, raw.account.traffic[1]
    trip_seconds = raw.path.round_trip_seconds
    if traffic.connections:
        trip_seconds += traffic.round_trip_us / traffic.connections * US
    asking_seconds = trial.request_seconds.mean if plan.options.period_seconds else None
    return Visiting(
        made=[(made_ns - origin_ns) / NS_PER_SECOND for made_ns in made_ns_of(raw.truth)],
        arrivals=[
            (visit.due_ns - origin_ns) / NS_PER_SECOND
            for visit in raw.account.visits.ended
            if raw.window.has(visit.due_ns) and visit.end == "finished"
        ],
        updates=visits.updates,
        delay_seconds=at_server + trip_seconds / 2,
        first_seconds=first,
        trip_seconds=asking_seconds or trip_seconds,
        gap_seconds=trial.repoll_seconds.mean or trip_seconds,
    )


class _Row(NamedTuple):
    """One quantity: measured, predicted from the record, predicted from the nominal rate."""

    quantity: VisitQuantity
    measured: float | None
    given: float | None
    closed: float | None

    @property
    def cell(self) -> Cell:
        """Theory beside measurement."""
        relative, absolute = TOLERANCES[self.quantity]
        found, expected = self.measured or 0.0, self.given or 0.0
        tolerance = relative * abs(expected) + absolute
        return Cell(
            quantity=self.quantity,
            measured=self.measured,
            given=self.given,
            closed=self.closed,
            deviation=None,
            ratio=found / expected if expected else None,
            tolerance=tolerance,
            within=abs(found - expected) <= tolerance,
        )
