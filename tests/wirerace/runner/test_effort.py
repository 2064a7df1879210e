"""What server and load spend while clients come."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from wirerace.experiment.capacity import Servers
from wirerace.runner import effort
from wirerace.runner.effort import AtLimit, Effort


class Part:
    """A part with a CPU time at each of two looks."""

    def __init__(self, *seconds: float | None) -> None:
        self._seconds = iter(seconds)

    def cpu_seconds(self) -> float | None:
        return next(self._seconds)


class Child(NamedTuple):
    part: Part


class Crew(NamedTuple):
    members: Sequence[Part]


class Proxy(NamedTuple):
    part: Part
    cpus: float | None = None


class Load(NamedTuple):
    crew: Crew
    reverse: Proxy | None = None


class Clock:
    """Ten seconds pass between two looks."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        self._now += 10.0
        return self._now


def spent(
    server: Part,
    load: Sequence[Part],
    cpus: float | None,
    monkeypatch: pytest.MonkeyPatch,
    reverse: Part | None = None,
) -> AtLimit:
    monkeypatch.setattr(effort, "time", Clock())
    child: Any = Child(server)
    crew: Any = Load(Crew(load), None if reverse is None else Proxy(reverse))
    return Effort(child, crew, Servers(cpus=cpus)).spent()


IDLE = (3.0, 3.5)


@pytest.mark.parametrize(
    ("server", "loads", "cpus", "part"),
    [
        ((1.0, 10.0), [IDLE], None, "server"),
        ((1.0, 8.5), [IDLE], None, ""),
        ((1.0, 2.8), [IDLE], 0.2, "server"),
        ((1.0, 2.4), [IDLE], 0.2, ""),
        (IDLE, [IDLE, (2.0, 11.0)], 0.2, "load"),
        (IDLE, [(2.0, 8.0), (2.0, 8.0)], None, ""),
        ((1.0, 10.0), [(2.0, 11.0)], None, "server"),
        (IDLE, [IDLE], None, ""),
        ((None, None), [(2.0, 11.0)], None, "load"),
        ((1.0, None), [IDLE], None, ""),
        ((1.0, 10.0), [], None, "server"),
        (IDLE, [(None, None)], None, ""),
    ],
)
def test_part_that_was_busy_most_of_the_time_was_at_its_limit(
    server: tuple[float | None, ...],
    loads: list[tuple[float | None, ...]],
    cpus: float | None,
    part: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server first: an overloaded one keeps its clients busy, too. What is unknown is not blamed."""
    found = spent(Part(*server), [Part(*one) for one in loads], cpus, monkeypatch)

    assert part == found.part
    assert (part in found.said) if part else ("" == found.said)


def test_share_is_said_of_what_the_server_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        "; the server was busy 95 % of the time that it may use"
        == spent(Part(1.0, 2.9), [Part(*IDLE)], 0.2, monkeypatch).said
    )


@pytest.mark.parametrize(
    ("server", "reverse", "part"), [(IDLE, (1.0, 10.0), "reverse proxy"), ((1.0, 10.0), (1.0, 10.0), "server")]
)
def test_reverse_proxy_is_at_its_limit_unless_the_server_is(
    server: tuple[float, float], reverse: tuple[float, float], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert part == spent(Part(*server), [Part(*IDLE)], None, monkeypatch, Part(*reverse)).part
