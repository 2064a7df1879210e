"""A server is overloaded before its trial: the load that does it goes, and its failure is told from the server's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.wirerace.searched import searched, study_with, up_to
from wirerace.errors import TrialFailed
from wirerace.experiment.plans import Plan
from wirerace.observe.account import Window
from wirerace.runner.overload import AfterOverload, Driving

PLANS = searched(study_with(), up_to(300))[0]
AFTER = next(plan for plan in PLANS if plan.setting.after is not None)


class Load(NamedTuple):
    crew: str = "the crew"
    parts: Mapping[str, object] = MappingProxyType({})


class Peer(NamedTuple):
    done: list[str]

    def delete(self, path: str) -> None:
        self.done.append(f"delete {path}")


class Child(NamedTuple):
    peer: Peer


class Target(NamedTuple):
    done: list[str]

    def stop(self, *parts: str) -> None:
        self.done.append(f"stop {', '.join(parts)}")


ENDED = ["stop the crew", "delete /schedule"]


def driven(plan: Plan, monkeypatch: pytest.MonkeyPatch, fails: TrialFailed | None = None) -> tuple[list[str], Any]:
    """Prepare the server of a plan, and return what was done and what was raised."""
    done: list[str] = []
    found: Any = None

    def subscribe(steps: Driving, _load: Load) -> None:
        done.append(f"{steps.plan.experiment.clients.count} clients of {steps.plan.contestant.id}")
        if fails is not None:
            raise fails

    monkeypatch.setattr(Driving, "_start_load", lambda *_: Load())
    monkeypatch.setattr(Driving, "_subscribe", subscribe)
    monkeypatch.setattr(Driving, "_prime", lambda *_: Window(0, 7))
    monkeypatch.setattr(
        Driving, "_sleep_until", lambda _, until_ns, phase, __: done.append(f"{phase} until {until_ns}")
    )
    parts: Any = (Target(done), Child(Peer(done)), None)
    server: Any = None
    try:
        AfterOverload(plan, *parts)._prepare(server)
    except TrialFailed as error:
        found = error
    return done, found


def test_server_is_driven_at_the_value_that_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    done, raised = driven(AFTER, monkeypatch)
    assert AFTER.setting.after is not None
    count = AFTER.setting.after.experiment.clients.count

    assert count > AFTER.experiment.clients.count
    assert [f"{count} clients of {AFTER.contestant.id}", "overloading until 7", *ENDED] == done
    assert raised is None


def test_server_that_lets_not_all_clients_in_is_overloaded_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    done, raised = driven(AFTER, monkeypatch, TrialFailed("it is full", "server"))

    assert ENDED == done[1:]
    assert raised is None


@pytest.mark.parametrize("part", ["load", ""])
def test_load_that_cannot_overload_a_server_fails_the_trial_and_goes(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, raised = driven(AFTER, monkeypatch, TrialFailed("it broke", part))

    assert ENDED == done[1:]
    assert ("it broke", part) == (str(raised), raised.part)


def test_fresh_server_is_not_driven(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ([], None) == driven(PLANS[0], monkeypatch)
