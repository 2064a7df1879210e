"""Questions: what a request for updates asks for, read from its query."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from services.answers import Conditional, Form, Reply
from services.channel import Channel
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import Cursor


class Question(NamedTuple):
    """What came after a cursor in a channel, as soon as there is something, or when the hold ends."""

    channel: Channel
    after: Cursor | None
    latest_only: bool = False
    hold_seconds: float = 0.0
    condition: Conditional | None = None


class Asked(Protocol):
    """A server that is asked."""

    metrics: ServiceMetrics

    def question(self, query: str, tags: Sequence[str] | None) -> Question | None:
        """Return what a query asks for, with entity tags; None when the answer is an error, or cannot be given yet."""

    def form_for(self, origin: str, *, stays: bool) -> Form:
        """Return the form of an answer, to a page of that origin, or to a program, whose origin is empty."""

    def reply_to(self, question: Question, position: int, form: Form) -> Reply:
        """Return the reply to a question of a client that has everything up to `position`."""
