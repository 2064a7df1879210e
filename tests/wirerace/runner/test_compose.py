"""The compose target when a part does not start: the parts started before it are stopped."""

from typing import Any

import pytest

from tests.refusals import lacking
from tests.wirerace.trials import plan_of
from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.capacity import Servers as Quotas
from wirerace.experiment.faults import Fault
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import Plan
from wirerace.experiment.settings import alone
from wirerace.runner.peer import Peer
from wirerace.runner.targets.compose import Compose, refuse_drops_without
from wirerace.runner.targets.contained import ContainedPath
from wirerace.runner.targets.containers import PageState
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


class Paths:
    """What lies on paths: nothing. It notes what it is told to remove."""

    authority = ""

    def __init__(self) -> None:
        self.done: list[str] = []

    def start(self, plan: Plan, _replicas: object) -> ContainedPath:
        return ContainedPath(f"http://{plan.transport.name}", [])

    def end(self) -> None:
        self.done.append("end")

    def close(self) -> None:
        self.done.append("close")

    def take_back(self) -> None:
        self.done.append("take back")


class Published:
    """A container whose ports are known."""

    def peer(self, name: str, _inside: int, **_: object) -> Peer:
        return Peer(name, 1)

    def variable(self, _name: str) -> str:
        return "token"


def target(page: Page, dead: str, monkeypatch: pytest.MonkeyPatch) -> Compose:
    found: Any = Compose.__new__(Compose)
    found._experiment = Experiment("t", ["polling"])
    found._stack, found._watched, found._paths = Stack(dead), [], Paths()
    found._replicas = ()
    monkeypatch.setattr(Compose, "_page", page)
    monkeypatch.setattr(Compose, "_replace_dead_load", lambda _: None)
    compose: Compose = found
    return compose


def test_test_that_has_started_is_stopped_when_its_workers_cannot_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page()
    compose = target(page, "locust-worker", monkeypatch)
    with pytest.raises(TrialFailed, match="locust-worker: the engine says no"):
        compose.start_load(plan_of("polling"), Peer("polling", 1))

    paths: Any = compose._paths
    assert (["/swarm", "/stop"], ["end"]) == (page.pressed, paths.done)
    assert [] == compose._watched


def test_server_of_which_no_port_is_known_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    class Container:
        def start_anew(self) -> None:
            pass

        def peer(self, *_: object) -> Peer:
            raise TrialFailed("polling publishes no port")

    compose = target(Page(), "nothing", monkeypatch)
    monkeypatch.setattr(Compose, "_container", lambda *_: Container())
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


class Limited:
    """A container with a quota, which notes how it is limited; the engine may refuse."""

    def __init__(self, cpus: float, *, refuses: bool = False) -> None:
        self.quotas = [cpus]
        self.refuses = refuses

    @property
    def cpus(self) -> float:
        return self.quotas[-1]

    def limit(self, cpus: float) -> None:
        if self.refuses:
            raise TrialFailed("docker update: no")
        self.quotas.append(cpus)

    def start_anew(self) -> None:
        pass

    def peer(self, name: str, _inside: int, **_: object) -> Peer:
        return Peer(name, 1)


class Servers:
    """A stack of servers."""

    def __init__(self, servers: dict[str, Limited]) -> None:
        self._servers = servers

    def containers(self, service: str) -> list[Limited]:
        return [self._servers[service]] if service in self._servers else []


def limiting(
    servers: dict[str, Limited], monkeypatch: pytest.MonkeyPatch, cpus: float | None = 0.2, times: int = 2
) -> Compose:
    """Return a target after some trials of each server with a quota."""
    compose = target(Page(), "nothing", monkeypatch)
    stack: Any = Servers(servers)
    compose._stack, compose._unlimited, compose._was_down = stack, {}, []
    compose._schedule = None
    for step in ("_stop_load", "_take_away", "_revive"):
        monkeypatch.setattr(Compose, step, lambda _: None)
    monkeypatch.setattr(Compose, "_one", lambda _, name: servers[name])
    experiment = Experiment("t", list(servers), servers=Quotas(cpus))
    for name in [*servers] * times:
        compose.start_server(plan_of(name, experiment=experiment), Peer("producer", 1))
    return compose


def test_quota_of_each_server_is_put_back_however_many_trials_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = {"polling": Limited(1.0), "websocket": Limited(0.5)}
    compose = limiting(servers, monkeypatch)
    assert [0.2, 0.2] == [one.cpus for one in servers.values()]
    compose.close()

    assert [1.0, 0.5] == [one.cpus for one in servers.values()]


def test_server_keeps_its_quota_without_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = {"polling": Limited(1.0)}
    limiting(servers, monkeypatch, None).close()

    assert [1.0] == servers["polling"].quotas


def test_quota_that_cannot_be_put_back_is_said_and_the_others_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = {"polling": Limited(1.0), "websocket": Limited(0.5)}
    compose = limiting(servers, monkeypatch)
    servers["polling"].refuses = True
    with pytest.raises(TrialFailed, match="the stack is not as it was found: docker update: no"):
        compose.close()

    assert 0.5 == servers["websocket"].cpus


def test_quota_beyond_the_cores_of_the_stack_is_refused_before_anything_is_brought_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class TwoCores:
        def cores(self) -> int:
            return 2

    monkeypatch.setattr("wirerace.runner.targets.compose.Stack", TwoCores)
    with pytest.raises(BadInput, match=r"^servers.cpus must be at most the 2 cores of the stack's machine, got 5"):
        Compose(alone(Experiment("t", ["polling"], servers=Quotas(5))))


@pytest.mark.parametrize("token", ["", "token"])
def test_drop_needs_a_producer_of_the_stack_that_takes_orders(token: str) -> None:
    drop = Fault(kind="drop", on="feed", at_seconds=1.0)
    kill = Fault(kind="kill", on="server", at_seconds=4.0)
    refuse_drops_without(token, alone(Experiment("t", ["polling"], faults=[kill])))
    study = alone(Experiment("t", ["polling"], faults=[kill, drop]))
    if token:
        refuse_drops_without(token, study)
        return
    with pytest.raises(BadInput) as refusal:
        refuse_drops_without(token, study)
    assert [] == lacking(str(refusal.value), "faults[1]", ["a drop", "docker compose down", "CONTROL_TOKEN"])
