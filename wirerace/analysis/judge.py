"""Judging a trial: measure, predict, and decide whether it is valid."""

import msgspec

from wirerace.analysis.clocks import allowing_for_clocks
from wirerace.analysis.measure import figures
from wirerace.analysis.predict import theory_of
from wirerace.analysis.validity.finding import Evidence
from wirerace.analysis.validity.verdict import verdict
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Trial


def judged(plan: Plan, raw: Raw) -> Trial:
    """Return the trial of a raw record: its figures, theory beside them, and the verdict.

    Raises TrialFailed when the producer's record, against which it is checked, is not whole.
    """
    return with_verdict(plan, raw, figures(plan, raw))


def with_verdict(plan: Plan, raw: Raw, trial: Trial) -> Trial:
    """Return a trial with theory and verdict, given its figures."""
    cells, conditions = theory_of(plan, raw, trial)
    cells = allowing_for_clocks(cells, trial.clock_error_seconds)
    with_theory = msgspec.structs.replace(trial, theory=cells, conditions=conditions)
    return msgspec.structs.replace(with_theory, verdict=verdict(Evidence(plan, raw, with_theory)))
