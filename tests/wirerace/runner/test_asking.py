"""What a trial asks the producer while it drains: counts, and no update."""

from typing import Any

import pytest

from tests.wirerace.trials import plan_of
from wirerace.errors import TrialFailed
from wirerace.observe.account import LoadState, Window
from wirerace.runner.steps import TrialSteps
from wirerace.runner.targets.target import Child
from wirerace.workload.truth import Counts, EpochCount

WINDOW = Window(100, 200)
LOOKS = 3


class Producer:
    """A producer that made three updates in the window, and does not answer at first."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, path: str, of_type: type[object]) -> object:
        self.asked.append(path)
        if len(self.asked) == 1:
            raise TrialFailed("it does not answer")
        assert of_type is Counts
        return Counts(3, complete=True, epochs=[EpochCount("e", 3, 3)])


class Load:
    """A load whose clients have received everything at the last look."""

    def __init__(self, clients: int) -> None:
        self.clients, self.looks = clients, 0

    def get(self, _path: str, _of_type: type[object], _within_seconds: float | None = None) -> LoadState:
        self.looks += 1
        return LoadState(delivered=3 * self.clients if self.looks >= LOOKS else 0)


class UntilAllHasCome:
    """A drain that ends when everything has come."""

    broken: list[bool]

    def __init__(self, *_: object) -> None:
        UntilAllHasCome.broken = []

    def is_over(self, _now_ns: int, *, has_all: bool, is_broken: bool, is_queued: bool) -> bool:
        assert not is_queued
        self.broken.append(is_broken)
        return has_all


def test_drain_asks_for_counts_and_for_no_update(monkeypatch: pytest.MonkeyPatch) -> None:
    producer: Any = Producer()
    nothing: Any = None
    monkeypatch.setattr("wirerace.runner.steps.Drain", UntilAllHasCome)
    monkeypatch.setattr(TrialSteps, "_report", lambda *_: None)
    monkeypatch.setattr(TrialSteps, "_pause", lambda *_: None)
    steps = TrialSteps(plan_of("websocket"), nothing, Child(nothing, producer), nothing)
    load: Any = type("OneLoad", (), {"peer": Load(steps.experiment.clients.count)})
    steps._drain(WINDOW, Child(nothing, nothing), load)

    assert LOOKS * ["/updates/counts?from=100&to=200"] == producer.asked
    assert [True, False, False] == UntilAllHasCome.broken  # a producer that does not answer is broken
