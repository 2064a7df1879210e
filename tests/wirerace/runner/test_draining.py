"""When a drain is over."""

from wirerace.clock import to_ns
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.patience import REPAIR_SECONDS, SPARE_SECONDS, longest_seconds, return_seconds
from wirerace.observe.account import Window
from wirerace.runner.draining import LEAST_DRAIN_SECONDS, Drain
from wirerace.transports.polling import PollingOptions

WINDOW = Window(10**18, 10**18 + to_ns(10))
OPTIONS = PollingOptions(interval_seconds=0.5)
USUAL_SECONDS = longest_seconds(NetworkPath(), OPTIONS) + SPARE_SECONDS
AGAIN_SECONDS = USUAL_SECONDS + return_seconds(NetworkPath())
STEP_SECONDS = 0.01


def lasts(*, has_all_from: float = 1e9, broken: tuple[float, float] = (0.0, 0.0), queued_to: float = 0.0) -> float:
    """Return how long a drain lasts if everything has come at a given time, and something is broken for a while.

    Up to another time, updates wait to be published.
    """
    drain, step = Drain(WINDOW, NetworkPath(), OPTIONS), 0
    while True:
        seconds = step * STEP_SECONDS
        is_broken = broken[0] <= seconds < broken[1]
        has_all, is_queued = seconds >= has_all_from, seconds < queued_to
        now_ns = WINDOW.to_ns + to_ns(seconds)
        if drain.is_over(now_ns, has_all=has_all, is_broken=is_broken, is_queued=is_queued):
            return seconds
        step += 1


def near(expected: float, found: float) -> bool:
    return abs(expected - found) <= 2 * STEP_SECONDS


def test_drain_ends_as_soon_as_everything_has_come() -> None:
    assert near(0.8, lasts(has_all_from=0.8))


def test_drain_waits_for_a_visitor_until_it_gives_up() -> None:
    drain, over_ns = Drain(WINDOW, NetworkPath(), OPTIONS, visit_seconds=7.0), WINDOW.to_ns + to_ns(7 + SPARE_SECONDS)

    assert not drain.is_over(over_ns - 1, has_all=False, is_broken=False)
    assert drain.is_over(over_ns, has_all=False, is_broken=False)


def test_drain_waits_until_the_path_has_passed_what_it_holds_back() -> None:
    drain = Drain(WINDOW, NetworkPath(), OPTIONS, holding_seconds=5.0)
    over_ns = WINDOW.to_ns + to_ns(USUAL_SECONDS + 5)

    assert not drain.is_over(over_ns - 1, has_all=False, is_broken=False)
    assert drain.is_over(over_ns, has_all=False, is_broken=False)


def test_drain_waits_for_late_duplicates() -> None:
    assert near(LEAST_DRAIN_SECONDS, lasts(has_all_from=0.0))


def test_drain_waits_as_long_as_an_update_may_take() -> None:
    assert near(USUAL_SECONDS, lasts())


def test_drain_waits_for_clients_that_come_back_and_then_as_long_as_an_update_may_take() -> None:
    assert near(3.0 + AGAIN_SECONDS, lasts(broken=(0.2, 3.0)))


def test_drain_after_a_break_ends_as_soon_as_everything_has_come() -> None:
    assert near(3.4, lasts(broken=(0.0, 3.0), has_all_from=3.4))


def test_drain_continues_while_something_is_broken_even_if_everything_known_has_come() -> None:
    assert near(3.0, lasts(broken=(0.0, 3.0), has_all_from=0.0))


def test_drain_waits_for_what_is_published_late_and_then_as_long_as_an_update_may_take() -> None:
    assert near(4.0 + USUAL_SECONDS, lasts(queued_to=4.0))
    assert near(4.1, lasts(queued_to=4.0, has_all_from=4.1))
    assert near(3.0 + AGAIN_SECONDS, lasts(queued_to=3.0, broken=(0.2, 3.0)))


def test_drain_does_not_wait_for_ever() -> None:
    assert near(REPAIR_SECONDS + AGAIN_SECONDS, lasts(broken=(0.0, 1e9)))
    assert near(REPAIR_SECONDS + AGAIN_SECONDS, lasts(queued_to=1e9))
