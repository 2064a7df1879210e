"""Gathering: no window begins before all clients are there and have an update, however busy the load is."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from wirerace.clock import NS_PER_SECOND
from wirerace.errors import TrialFailed
from wirerace.experiment.model import Clients, Experiment
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import plans_of
from wirerace.experiment.settings import alone
from wirerace.observe.account import LoadState, Window
from wirerace.runner import gathering
from wirerace.runner.gathering import Gathering
from wirerace.runner.peer import NoAnswer

COUNT = 100
START_SECONDS = 1_000.0
NEAR = NetworkPath()
Answer = Callable[[float], LoadState]


class Time:
    """A clock that only sleeping and waiting for answers move on."""

    def __init__(self) -> None:
        self.seconds = START_SECONDS

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def now_ns(self) -> int:
        return round(self.seconds * NS_PER_SECOND)


class Load:
    """The control port of a load: `answer` says what is there after some seconds, or raises."""

    def __init__(self, time: Time, answer: Answer) -> None:
        self._time = time
        self._answer = answer
        self.refuses = 0
        self.windows: list[Window] = []
        self.schedules: list[Any] = []

    def is_open(self) -> bool:
        return True

    def get(self, path: str, _of_type: object, within_seconds: float | None = None) -> LoadState:
        assert "/state" == path
        try:
            return self._answer(self._time.seconds - START_SECONDS)
        except NoAnswer:
            self._time.sleep(within_seconds or 30.0)
            raise

    def send(self, _method: str, path: str, value: Any, _of_type: object) -> None:
        if path == "/window" and self.refuses:
            self.refuses -= 1
            self._time.sleep(5.0)
            raise TrialFailed("the load answers PUT /window with 400: from_ns must be in the future")
        (self.windows if path == "/window" else self.schedules).append(value)


class Crew(NamedTuple):
    members: tuple[()] = ()

    def failure(self, what: str) -> TrialFailed:
        return TrialFailed(f"the load {what}")


class Child(NamedTuple):
    peer: Any
    crew: Crew = Crew()
    part: None = None


class Scene:
    """A trial whose clients are to come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Answer, path: NetworkPath = NEAR) -> None:
        self.time = Time()
        monkeypatch.setattr(gathering, "time", self.time)
        monkeypatch.setattr(gathering, "now_ns", self.time.now_ns)
        monkeypatch.setattr(Gathering, "_look", lambda *_, **__: None)
        experiment = Experiment("t", ["sse"], clients=Clients(count=COUNT, spawn_per_second=50.0))
        (setting,) = alone(experiment).settings
        (plan,) = plans_of(setting, 1)
        plan = plan._replace(contestant=replace(plan.contestant, path=path))
        self.load = Load(self.time, answer)
        self.child: Any = Child(self.load)  # of the load
        quiet: Any = type("Quiet", (), {"is_due": lambda _: True, "report": lambda *_: None})()
        target: Any = type("Here", (), {"order_seconds": 0.0})()
        producer: Any = Child(self.load)
        self.steps = Gathering(plan, target, producer, quiet)

    @property
    def waited_seconds(self) -> float:
        return self.time.seconds - START_SECONDS


def busy(until_seconds: float, then: LoadState) -> Answer:
    """Return the answers of a load that answers nothing for a while."""

    def answer(seconds: float) -> LoadState:
        if seconds < until_seconds:
            raise NoAnswer("the load does not answer GET /state within 30 s")
        return then

    return answer


def test_load_that_is_too_busy_with_connecting_to_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, busy(45.0, LoadState(subscribed=COUNT)))
    scene.steps._subscribe(scene.child)

    assert pytest.approx(60.0, abs=0.2) == scene.waited_seconds


def test_nothing_is_made_while_clients_come_unless_their_path_holds_the_first_byte_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then clients are waited for until each has an update, too: it has come with a full buffer."""

    def answer(seconds: float) -> LoadState:
        return LoadState(subscribed=COUNT if seconds > 3 else 0, aged=COUNT if seconds > 7 else 9)

    near = Scene(monkeypatch, answer)
    near.steps._subscribe(near.child)
    assert [] == near.load.schedules
    assert near.waited_seconds < 4

    far = Scene(monkeypatch, answer, NetworkPath(buffer_bytes=4096))
    far.steps._subscribe(far.child)
    assert [50.0] == [schedule.rate_per_second for schedule in far.load.schedules], "faster than the trial's 5 a second"
    assert far.waited_seconds > 7


def test_load_that_never_answers_fails_the_trial_after_a_time_that_depends_on_the_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch, busy(10_000.0, LoadState()))
    with pytest.raises(TrialFailed, match="the load has connected 0 of 100 clients in time"):
        scene.steps._subscribe(scene.child)

    assert 60.0 + COUNT / 50.0 + COUNT * 0.01 <= scene.waited_seconds < 100.0


def test_window_is_set_when_all_clients_have_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, lambda seconds: LoadState(subscribed=COUNT, aged=COUNT if seconds > 0.2 else 3))
    window = scene.steps._prime(scene.child)

    assert [window] == scene.load.windows
    assert 1 == len(scene.load.schedules)


def test_schedule_is_set_again_while_clients_lack_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window would have begun with clients that had none, and the trial would have failed."""
    scene = Scene(monkeypatch, lambda seconds: LoadState(subscribed=COUNT, aged=COUNT if seconds > 4.0 else 3))
    window = scene.steps._prime(scene.child)
    starts = [schedule.start_ns for schedule in scene.load.schedules]

    assert len(starts) > 1
    assert starts == sorted(starts)
    assert [window] == scene.load.windows
    assert window.from_ns > starts[-1] > round((START_SECONDS + 4.0) * NS_PER_SECOND)


def test_window_that_the_load_gets_to_know_too_late_is_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, lambda _: LoadState(subscribed=COUNT, aged=COUNT))
    scene.load.refuses = 2
    window = scene.steps._prime(scene.child)

    assert 3 == len(scene.load.schedules)
    assert [window] == scene.load.windows
    assert window.from_ns > round((START_SECONDS + 10.0) * NS_PER_SECOND)


def test_clients_that_never_get_an_update_fail_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, lambda _: LoadState(subscribed=COUNT, aged=97))
    with pytest.raises(TrialFailed, match="97 of 100 clients had an update, and no window was set, in time"):
        scene.steps._prime(scene.child)

    assert [] == scene.load.windows


def test_progress_that_is_not_answered_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the window a load may be busy with a fan-out; its state is only shown then."""
    scene = Scene(monkeypatch, busy(10_000.0, LoadState()))
    scene.steps._sleep_until(round((START_SECONDS + 5.0) * NS_PER_SECOND), "measuring", scene.child)

    assert pytest.approx(5.0, abs=1.1) == scene.waited_seconds
