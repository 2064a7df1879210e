"""A tally: what happened to the clients of one transport so far, inside and outside the window, for live metrics."""

from wirerace.observe.account import OUTCOMES, Outcome


class Tally:
    """What happened so far, inside and outside the window, for live metrics."""

    __slots__ = (
        "acknowledged", "late_polls", "messages", "reordered", "repoll_gap_ns", "repolls", "requests", "responses",
        "superseded",
    )  # fmt: skip

    def __init__(self) -> None:
        self.requests = 0
        self.responses: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        self.late_polls = 0
        self.repolls = 0
        self.repoll_gap_ns = 0
        self.reordered = 0
        self.superseded = 0
        self.messages = 0
        self.acknowledged = 0
