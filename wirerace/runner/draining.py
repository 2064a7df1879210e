"""Draining: after the window, late deliveries are waited for as long as they may still come."""

from wirerace.clock import to_ns
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.patience import SPARE_SECONDS, longest_seconds, return_seconds
from wirerace.observe.account import Window
from wirerace.transports.transport import TransportOptions

LEAST_DRAIN_SECONDS = 0.5  # for late duplicates
REPAIR_SECONDS = 20.0
"""For what broke to be up again: beyond that, what has not come counts as lost."""


class Drain:
    """Decides when a drain is over. It does nothing itself: its caller passes in what it sees.

    It ends when everything has come. What has not come is waited for as long as an update may take; while something is
    broken, until it is whole again and the last client has come back, and then as long as an update may take.
    """

    def __init__(self, window: Window, path: NetworkPath, options: TransportOptions) -> None:
        usual_seconds = longest_seconds(path, options) + SPARE_SECONDS
        self._again_ns = to_ns(usual_seconds + return_seconds(path))
        self._least_ns = window.to_ns + to_ns(LEAST_DRAIN_SECONDS)
        self._until_ns = window.to_ns + to_ns(usual_seconds)
        self._latest_ns = window.to_ns + to_ns(REPAIR_SECONDS) + self._again_ns

    def is_over(self, now_ns: int, *, has_all: bool, is_broken: bool) -> bool:
        """Return whether to stop waiting, given whether everything has come and whether something is broken now."""
        if is_broken:
            self._until_ns = min(max(self._until_ns, now_ns + self._again_ns), self._latest_ns)
        if now_ns >= self._until_ns:
            return True
        return has_all and not is_broken and now_ns >= self._least_ns
