"""Long polling: it asks, is held, and asks again."""

from wirerace.checking.clients.polling import HEADERS, PollClient

__all__ = ["HEADERS", "Client", "HeldClient"]

HOLD_SECONDS = 20.0
"""Longer than any check waits."""


class HeldClient(PollClient):
    """Polls, and lets each request be held."""

    hold = f"hold={HOLD_SECONDS:g}"


Client = HeldClient
