"""Draining: after the window, the run waits for late deliveries as long as they may still come."""

from wirerace.clock import to_ns
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.patience import drain_seconds, return_seconds
from wirerace.observe.account import Window
from wirerace.transports.transport import TransportOptions

LEAST_DRAIN_SECONDS = 0.5  # for late duplicates


class Drain:
    """Decides when a drain is over. It does nothing itself: its caller passes the observations in.

    It ends when everything has come, or when the longest time that an update may take is over. While a part is broken,
    that time begins only when the part works again and the last client has reconnected. While updates of the window
    still wait to be published to a foreign server, it begins when the last of them has been. Neither lasts for ever.
    """

    def __init__(
        self,
        window: Window,
        path: NetworkPath,
        options: TransportOptions,
        visit_seconds: float = 0.0,
        holding_seconds: float = 0.0,
    ) -> None:
        """`visit_seconds` is the longest time that a visitor may stay that came before the window's end.

        A path may hold an update back for `holding_seconds`. The schedule goes on meanwhile, and fills its buffer.
        """
        usual, latest = (
            drain_seconds(path, options, visit_seconds, breaks=breaks, holding_seconds=holding_seconds)
            for breaks in (False, True)
        )
        self._usual_ns = to_ns(usual)
        self._again_ns = to_ns(usual + return_seconds(path))
        self._least_ns = window.to_ns + to_ns(LEAST_DRAIN_SECONDS)
        self._until_ns = window.to_ns + self._usual_ns
        self._latest_ns = window.to_ns + to_ns(latest)

    def is_over(self, now_ns: int, *, has_all: bool, is_broken: bool, is_queued: bool = False) -> bool:
        """Return whether to stop waiting, given what was observed now.

        Everything may have come, something may be broken, and updates of the window may wait to be published.
        """
        if is_broken or is_queued:
            longer_ns = self._again_ns if is_broken else self._usual_ns
            self._until_ns = min(max(self._until_ns, now_ns + longer_ns), self._latest_ns)
        if now_ns >= self._until_ns:
            return True
        return has_all and not is_broken and now_ns >= self._least_ns
