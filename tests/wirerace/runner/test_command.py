"""A server that a command starts, with the processes that it starts itself; and one in a container."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import psutil
import pytest
from docker.errors import DockerException, NotFound

from wirerace.errors import TrialFailed
from wirerace.runner.foreign.contained import ContainedServer, contained
from wirerace.runner.parts.command import CommandServer
from wirerace.runner.parts.process import STOPPED
from wirerace.runner.parts.tree import processes_of, tree_cpu_seconds, tree_memory, tree_waited_seconds

WORKS = "sum(range(30_000_000)); import time; time.sleep(1000)"
FAMILY = f"sh -c '{sys.executable} -c \"{WORKS}\" & sleep 1000'"
"""A process whose child works first, and then sleeps."""


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def until_whole(family: CommandServer) -> None:
    """Wait until each has become its program: a shell that waits for that (vfork) would never count as stopped."""
    until(lambda: len(names_of(family)) == 3 and "sleep" in names_of(family))


def names_of(family: CommandServer) -> list[str]:
    found = []
    for one in processes_of(family.pid):
        with contextlib.suppress(psutil.Error):
            found.append(one.name())
    return found


@pytest.fixture
def family(tmp_path: Path) -> Iterator[CommandServer]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    server = CommandServer("theirs", FAMILY, tmp_path / "log", scratch=scratch)
    yield server
    server.stop()


@pytest.mark.processes
def test_costs_are_those_of_the_whole_family(family: CommandServer) -> None:
    until_whole(family)
    until(lambda: (family.cpu_seconds() or 0.0) > 0.05)

    own = psutil.Process(family.pid).cpu_times()
    assert own.user + own.system < (family.cpu_seconds() or 0.0)
    alone, all_of_them = psutil.Process(family.pid).memory_full_info().uss, family.memory().user_bytes
    assert all_of_them is not None
    assert alone < all_of_them
    assert family.waited_seconds() is not None


@pytest.mark.processes
def test_stop_ends_the_whole_family_and_removes_its_directory(family: CommandServer, tmp_path: Path) -> None:
    until_whole(family)
    members = processes_of(family.pid)
    family.stop()

    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in members))
    assert not (tmp_path / "scratch").exists()


@pytest.mark.processes
def test_stall_stops_the_whole_family_and_resume_lets_it_go_on(family: CommandServer) -> None:
    until_whole(family)
    family.stall(1000)
    until(lambda: all(one.status() in STOPPED for one in processes_of(family.pid)))
    assert family.is_stopped()

    family.resume()
    until(lambda: not any(one.status() in STOPPED for one in processes_of(family.pid)))


def test_command_without_a_program_fails_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(TrialFailed, match=r"^theirs: there is no program no-such-program: install it"):
        CommandServer("theirs", "no-such-program 1", tmp_path / "log")


def test_process_that_is_gone_costs_nothing_that_is_known() -> None:
    gone = 4_194_304

    assert ([], None, None) == (processes_of(gone), tree_cpu_seconds(gone), tree_waited_seconds(gone))
    assert (None, None) == (tree_memory(gone).user_bytes, tree_memory(None).user_bytes)


class Engine:
    """An engine that knows one container."""

    @property
    def containers(self) -> "Engine":
        return self

    def get(self, name: str) -> object:
        if name != "theirs":
            raise NotFound(f"No such container: {name}")
        return object()


def test_container_is_asked_for_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "from_env", Engine)
    assert isinstance(contained("c", "theirs"), ContainedServer)

    with pytest.raises(TrialFailed, match=r"^c: the engine has no container other: No such container: other; correct"):
        contained("c", "other")


def test_missing_engine_fails_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> object:
        raise DockerException("no socket")

    monkeypatch.setattr(docker, "from_env", nobody)
    with pytest.raises(TrialFailed, match="no socket; correct container in its server, or take it out"):
        contained("c", "theirs")
