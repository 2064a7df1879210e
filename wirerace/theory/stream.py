"""HTTP streaming: an update waits for nothing but the sends to other clients."""

from wirerace.theory.closed_forms import Arrivals
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.websocket import path_of, pushed_to
from wirerace.transports.stream import StreamOptions

__all__ = ["path_of", "predict"]


def predict(arrivals: Arrivals, path: DeliveryPath, options: StreamOptions) -> Prediction:  # noqa: ARG001 -- as its neighbours
    """Return what clients find that listen."""
    return pushed_to(arrivals, path)
