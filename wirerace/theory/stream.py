"""HTTP streaming: an update waits for nothing but the sends to other clients."""

from wirerace.theory.closed_forms import Arrivals
from wirerace.theory.distribution import Distribution
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.visits import Visited, Visiting
from wirerace.theory.visits import pushed_to as visits_pushed_to
from wirerace.theory.websocket import latencies_pushed, path_of, pushed_to, visits_in_closed_form
from wirerace.transports.stream import StreamOptions
from wirerace.workload.schedule import Source

__all__ = ["latencies", "path_of", "predict", "visited", "visited_in_closed_form"]


def predict(arrivals: Arrivals, path: DeliveryPath, options: StreamOptions) -> Prediction:  # noqa: ARG001 -- as its neighbours
    """Return what clients find that listen."""
    return pushed_to(arrivals, path)


def latencies(arrivals: Arrivals, path: DeliveryPath, options: StreamOptions) -> Distribution | None:  # noqa: ARG001
    """Return how latency is distributed: each client has its place in the order of sending."""
    return latencies_pushed(arrivals, path)


def visited(visiting: Visiting, options: StreamOptions) -> Visited | None:  # noqa: ARG001 -- as its neighbours
    """Return what visits take on one connection."""
    return visits_pushed_to(visiting)


def visited_in_closed_form(source: Source, visiting: Visiting, options: StreamOptions) -> Visited | None:  # noqa: ARG001
    """Return the same for the nominal rate."""
    return visits_in_closed_form(source, visiting)
