"""The visits of a trial, as values in result.json."""

import msgspec

from wirerace.observe.visit import VisitStage
from wirerace.record.durations import Times
from wirerace.record.samples import Resting


class Visits(msgspec.Struct, frozen=True, kw_only=True):
    """The visits that were due in the window.

    `updates` is how many each visitor was to take. `unfinished` visits had not ended when the load did. `stale` visits
    began with an update although a newer one had long been made. `stages_seconds` count from the intended arrival;
    `closed` is the whole visit. `first_age_seconds` is how old the first update was when it arrived. `requests` is how
    many a visit sent on average, `connections` how many it opened, on average over the trial. `resting` is None if the
    kernel cannot be asked.
    """

    updates: int
    due: int
    finished: int
    gave_up: int
    unfinished: int
    stale: int
    stages_seconds: dict[VisitStage, Times]
    first_age_seconds: Times
    requests: float | None
    connections: float | None
    resting: Resting | None
