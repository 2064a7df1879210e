"""Theory: what each transport should measure. A module with a transport's name predicts it; docs/theory.md derives all.

Such a module has the functions of `Theory`. The other modules are shared. There are two kinds of predictions. Those
from `closed_arrivals` are for the nominal rate, and vary by `sampling_deviation`. Those from `Recorded` are given the
schedule of this trial.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, cast

from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.theory.closed_forms import Arrivals
from wirerace.theory.distribution import Distribution
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.visits import Visited, Visiting
from wirerace.workload.schedule import Source


class Theory(Protocol):
    """The theory of one transport."""

    def predict(self, arrivals: Arrivals, path: DeliveryPath, options: Any, /) -> Prediction:
        """Return the means that clients should measure. `options` are the transport's own."""

    def latencies(self, arrivals: Arrivals, path: DeliveryPath, options: Any, /) -> Distribution | None:
        """Return how the latencies are distributed of which `predict` returns the mean; None if it is not known."""

    def path_of(self, plan: Plan, raw: Raw, trial: Trial, /) -> DeliveryPath | None:
        """Return the path as it was measured, None when it is not known."""

    def visited(self, visiting: Visiting, options: Any, /) -> Visited | None:
        """Return what visits take, given the updates as they were made; None if nothing is predicted."""

    def visited_in_closed_form(self, source: Source, visiting: Visiting, options: Any, /) -> Visited | None:
        """Return the same for the nominal rate; None if no closed form is known."""


def find_theory(transport: str) -> Theory | None:
    """Return the theory of a transport, None when there is none."""
    module = f"{__name__}.{transport}"
    return None if find_spec(module) is None else cast("Theory", import_module(module))
