"""Watching parts: which were started again and which stood still, with a clock of the test."""

import pytest

from tests.wirerace.clocks import Hand
from wirerace.record.parts import PartRecord
from wirerace.runner.progress import TICK_SECONDS
from wirerace.runner.watching import ITSELF, Watch


class Dummy:
    """A part whose state the test sets."""

    def __init__(self, restarts: int = 0) -> None:
        self.restarts = restarts
        self.stopped = False

    def is_stopped(self) -> bool:
        return self.stopped

    def cpu_seconds(self) -> None:
        return None


def watching(**parts: Dummy) -> tuple[Watch, Hand]:
    hand = Hand()
    watch = Watch(hand)
    watch.add({name: [part] for name, part in parts.items()})
    watch.begin()
    return watch, hand


def test_part_is_still_for_as_many_looks_as_it_is_seen_stopped() -> None:
    server, producer = Dummy(), Dummy()
    watch, hand = watching(server=server, producer=producer)
    for stopped in (False, True, True, False):
        server.stopped = stopped
        hand.pass_(TICK_SECONDS)
        watch.look()

    found = watch.found()
    assert pytest.approx(2 * TICK_SECONDS) == found["server"].still_seconds
    assert 0.0 == found["producer"].still_seconds


def test_one_of_several_processes_that_stands_still_is_the_parts() -> None:
    worker, stopped = Dummy(), Dummy()
    watch = Watch(hand := Hand())
    watch.add({"load": [worker, stopped]})
    watch.begin()
    stopped.stopped = True
    hand.pass_(TICK_SECONDS)
    watch.look()

    assert pytest.approx(TICK_SECONDS) == watch.found()["load"].still_seconds


def test_look_that_comes_late_is_noted_for_the_run_itself_and_for_no_other_part() -> None:
    stopped = Dummy()
    watch, hand = watching(server=stopped)
    stopped.stopped = True
    hand.pass_(5.0)
    watch.look()

    assert pytest.approx(5.0 - TICK_SECONDS) == watch.found()[ITSELF].still_seconds
    assert pytest.approx(TICK_SECONDS) == watch.found()["server"].still_seconds, "for the rest nobody looked"


def test_look_after_other_work_is_not_late() -> None:
    watch, hand = watching(server=Dummy())
    hand.pass_(5.0)
    watch.look(is_timed=False)

    assert PartRecord(0, 0.0) == watch.found()[ITSELF]


def test_nothing_counts_before_the_window() -> None:
    watch = Watch(hand := Hand())
    stopped = Dummy()
    watch.add({"server": [stopped]})
    stopped.stopped = True
    hand.pass_(5.0)
    watch.look()

    assert {"server": PartRecord(0, 0.0), ITSELF: PartRecord(0, 0.0)} == watch.found()


def test_restarts_of_earlier_trials_do_not_count() -> None:
    producer = Dummy(restarts=2)
    watch, _ = watching(producer=producer)
    producer.restarts += 1

    assert (1, 1) == (watch.restarts, watch.found()["producer"].restarts)


def test_trouble_is_what_has_changed_since_the_last_look() -> None:
    server = Dummy()
    watch, _ = watching(server=server)
    seen = []
    for restarts, stopped in ((0, False), (1, False), (1, False), (1, True), (1, False)):
        server.restarts, server.stopped = restarts, stopped
        watch.look()
        seen.append(watch.has_trouble)

    assert [False, True, False, True, False] == seen
