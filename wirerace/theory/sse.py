"""SSE: an update waits for nothing but the sends to other clients, as with a WebSocket."""

from wirerace.theory.websocket import path_of, predict

__all__ = ["path_of", "predict"]
