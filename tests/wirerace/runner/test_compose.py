"""The compose target when a part does not start: the parts started before it are stopped."""

from typing import Any

import pytest

from tests.wirerace.trials import plan_of
from wirerace.errors import TrialFailed
from wirerace.experiment.model import Experiment
from wirerace.runner.peer import Peer
from wirerace.runner.targets.compose import Compose, PageState
from wirerace.runner.targets.locust import Swarming


class Page:
    """Locust's page: notes its requests, and reports that no test runs."""

    def __init__(self, *, accepts: bool = True) -> None:
        self.pressed: list[str] = []
        self._accepts = accepts

    def post(self, path: str, _form: str, of_type: type[Swarming]) -> Swarming:
        self.pressed.append(path)
        return of_type(success=self._accepts or path != "/swarm", message="no")

    def get(self, _path: str, of_type: type[PageState]) -> PageState:
        return of_type("stopped")


class Stack:
    """A stack of which one part has just died."""

    def __init__(self, dead: str) -> None:
        self._dead = dead

    def containers(self, service: str) -> list[object]:
        if service == self._dead:
            raise TrialFailed(f"{service}: the engine says no")
        return [object()]


class Published:
    """A container whose ports are known."""

    def port(self, _inside: int) -> int:
        return 1

    def variable(self, _name: str) -> str:
        return "token"


def target(page: Page, dead: str, monkeypatch: pytest.MonkeyPatch) -> Compose:
    found: Any = Compose.__new__(Compose)
    found._experiment = Experiment("t", ["polling"])
    found._stack, found._watched = Stack(dead), []
    monkeypatch.setattr(Compose, "_page", page)
    monkeypatch.setattr(Compose, "_replace_dead_load", lambda _: None)
    compose: Compose = found
    return compose


def test_test_that_has_started_is_stopped_when_its_workers_cannot_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page()
    compose = target(page, "locust-worker", monkeypatch)
    with pytest.raises(TrialFailed, match="locust-worker: the engine says no"):
        compose.start_load(plan_of("polling"), Peer("polling", 1))

    assert ["/swarm", "/stop"] == page.pressed
    assert [] == compose._watched


def test_server_of_which_no_port_is_known_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    class Container:
        def start_anew(self) -> None:
            pass

        def port(self, _inside: int) -> int:
            raise TrialFailed("polling publishes no port")

    compose = target(Page(), "nothing", monkeypatch)
    monkeypatch.setattr(Compose, "_one", lambda *_: Container())
    with pytest.raises(TrialFailed, match="publishes no port"):
        compose.start_server(plan_of("polling"), Peer("producer", 1))

    assert [] == compose._watched


def test_test_that_was_not_started_here_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(accepts=False)
    compose = target(page, "nothing", monkeypatch)
    monkeypatch.setattr(Compose, "_one", lambda *_: Published())
    with pytest.raises(TrialFailed, match="Locust's page refuses: no"):
        compose.start_load(plan_of("polling"), Peer("polling", 1))

    assert ["/swarm"] == page.pressed
