"""Predicting what an idle timeout of the link does: how often connections break, and when their clients return."""

from wirerace.analysis.tolerances import TOLERANCES
from wirerace.analysis.validity.theory import is_predicted
from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Cell, Condition, IdleQuantity, Trial
from wirerace.theory.conditions import checked
from wirerace.theory.idle import breaks_of, closed_breaks, quiet_of, return_seconds
from wirerace.theory.inputs import made_ns_of


def idle_beside(plan: Plan, raw: Raw, trial: Trial) -> tuple[list[Cell], list[Condition]]:
    """Return theory beside the measured breaks, and its condition; empty without a timeout, or if nothing is known.

    Breaks are counted over the whole trial. Before the priming update there are hardly any.
    """
    quiet, source = quiet_of(plan, raw, trial), plan.experiment.producer
    made_ns, closed_ns = made_ns_of(raw.truth, source.channel_names[0]), max(raw.account.closed_ns, default=0)
    if (
        quiet is None
        or not made_ns
        or not trial.clients
        or closed_ns <= made_ns[0]
        or not is_predicted(plan.experiment)
    ):
        return [], []
    seconds = (closed_ns - made_ns[0]) / NS_PER_SECOND
    given = breaks_of(quiet, [(at - made_ns[0]) / NS_PER_SECOND for at in made_ns], seconds) / seconds
    found, closed = trial.breaks / trial.clients / seconds, closed_breaks(quiet, source)
    # Where heartbeats come is not known: they may save one break more or less.
    cells = [_cell("breaks_per_client_second", found, given, closed, 1 / seconds if quiet.heartbeat_seconds else 0.0)]
    if given and trial.return_seconds.mean is not None:
        expected = return_seconds(raw.path)
        cells.append(_cell("return_seconds", trial.return_seconds.mean, expected, expected))
    return cells, list(checked(idle_away=given * quiet.away_seconds))


def _cell(quantity: IdleQuantity, measured: float, given: float, closed: float | None, unknown: float = 0.0) -> Cell:
    relative, absolute = TOLERANCES[quantity]
    tolerance = relative * given + absolute + unknown
    return Cell(
        quantity=quantity,
        measured=measured,
        given=given,
        closed=closed,
        deviation=None,
        ratio=measured / given if given else None,
        tolerance=tolerance,
        within=abs(measured - given) <= tolerance,
    )
