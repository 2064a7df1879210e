"""Batches: one that is sent early leaves nothing behind that would end the next one early."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from services.batching import Batcher, array_frame
from services.fanout import Fanout
from services.recent import Kept
from wirerace.observe.metrics import ServiceMetrics


class Timer:
    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


def test_timer_of_a_batch_that_was_sent_early_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[Timer] = []

    def call_later(_seconds: float, act: Callable[[], None]) -> Timer:
        timers.append(Timer(act))
        return timers[-1]

    monkeypatch.setattr("asyncio.get_running_loop", lambda: SimpleNamespace(call_later=call_later))
    batcher = Batcher(Fanout(ServiceMetrics(CollectorRegistry()), 1000), 1.0)
    for number in range(3):
        batcher.add([Kept(number, array_frame(b"%d" % number), 1)])
        batcher.flush()
    batcher.add([Kept(3, array_frame(b"3"), 1)])
    batcher.add([Kept(4, array_frame(b"4"), 1)])

    assert [True, True, True, False] == [timer.cancelled for timer in timers]
    timers[-1].act()
    assert 4 == len(timers)
