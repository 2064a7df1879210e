"""A CPU quota: the control group that it is made in, and a process that is really stopped by it."""

import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.race.running import wait_until
from tests.refusals import lacking
from wirerace.errors import BadInput, TrialFailed
from wirerace.runner.parts import quota
from wirerace.runner.parts.process import Process
from wirerace.runner.parts.quota import GROUPS, Quota


class Tree:
    """Folders in place of control groups. New ones have a file for a quota if their version is 2, as the kernel's do.

    `refusing` are the groups below which none can be made, `stuck` those into whose children no process can be moved.
    """

    def __init__(self, place: Path, lines: str, groups: Sequence[str], version: int = 1) -> None:
        self.refusing: set[Path] = set()
        self.stuck: set[Path] = set()
        self.proc, self.groups = place / "proc", place / "groups"
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "self/cgroup").write_text(lines)
        self.groups.mkdir()
        for one in groups:
            (self.groups / one).mkdir(parents=True, exist_ok=True)
            (self.groups / one / "cgroup.procs").touch()
        self._version, self._mkdir = version, Path.mkdir

    def mkdir(self, path: Path, *arguments: Any, **options: Any) -> None:
        if path.parent in self.refusing:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        self._mkdir(path, *arguments, **options)
        if self._version == 2:
            (path / "cpu.max").touch()

    def try_it(self, group: Path) -> None:
        if group.parent in self.stuck:
            for file in group.iterdir():  # the kernel's own, which go with their group
                file.unlink()
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    def limited(self, cpus: float) -> Quota:
        return Quota(cpus, self.proc, self.groups)

    @property
    def made(self) -> list[Path]:
        return sorted(self.groups.rglob("wirerace-*"))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def planted(*arguments: Any, **options: Any) -> Tree:
        found = Tree(tmp_path, *arguments, **options)

        def mkdir(path: Path, *given: Any, **named: Any) -> None:
            found.mkdir(path, *given, **named)

        monkeypatch.setattr(Path, "mkdir", mkdir)
        monkeypatch.setattr(quota, "_try_it", found.try_it)
        return found

    return planted


@pytest.mark.parametrize(
    ("lines", "groups", "parent"),
    [
        ("3:cpu:/a/b\n", ["cpu/a/b", "cpu/a", "cpu"], "cpu/a/b"),
        ("3:cpu,cpuacct:/a\n", ["cpu,cpuacct/a", "cpu,cpuacct"], "cpu,cpuacct/a"),
        ("3:cpu,cpuacct:/a\n", ["cpu/a", "cpu"], "cpu/a"),
        ("3:memory:/m\n2:cpuacct:/c\n1:cpu:/\n0::/\n", ["memory/m", "cpuacct/c", "cpu", "unified"], "cpu"),
        ("3:cpu:/docker/1f\n", ["cpu"], "cpu"),
    ],
    ids=["its own", "of two controllers", "in another place", "of the cpu", "around one that is not mounted"],
)
def test_group_of_version_1_is_made_below_that_of_the_process(
    lines: str, groups: list[str], parent: str, tree: Any
) -> None:
    planted = tree(lines, groups)
    planted.limited(0.2)
    (made,) = planted.made

    assert planted.groups / parent == made.parent
    assert ("100000", "20000") == tuple((made / f"cpu.cfs_{name}_us").read_text() for name in ("period", "quota"))


@pytest.mark.parametrize(
    ("groups", "parent"),
    [(["user.slice/a", "user.slice", "."], "user.slice/a"), (["user.slice", "."], "user.slice"), (["."], ".")],
)
def test_group_of_version_2_is_made_below_that_of_the_process(groups: list[str], parent: str, tree: Any) -> None:
    planted = tree("0::/user.slice/a\n", groups, version=2)
    planted.limited(1.5)
    (made,) = planted.made

    assert planted.groups / parent == made.parent
    assert "150000 100000" == (made / "cpu.max").read_text()
    assert not (made / "cpu.cfs_quota_us").exists()


def test_nearest_group_in_which_it_is_possible_is_taken(tree: Any) -> None:
    """Below the first one no group can be made; below the second one no process can be moved."""
    planted = tree("3:cpu:/a/b\n", ["cpu/a/b", "cpu/a", "cpu"])
    planted.refusing.add(planted.groups / "cpu/a/b")
    planted.stuck.add(planted.groups / "cpu/a")
    planted.limited(0.2)

    assert [planted.groups / "cpu"] == [made.parent for made in planted.made]


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        ("1:cpu:/\n", ["Read-only file system"]),
        ("1:cpu:/a\n", ["Permission denied"]),
        ("1:memory:/\n", ["no control group"]),
        ("", ["no control group"]),
    ],
    ids=["cannot be made", "cannot be moved into", "no cpu controller", "no groups"],
)
def test_quota_that_is_not_possible_is_refused_with_the_reason_and_a_cure(
    lines: str, facts: list[str], tree: Any
) -> None:
    planted = tree(lines, ["cpu/a", "cpu", "memory"])
    planted.refusing.add(planted.groups / "cpu")
    planted.stuck.add(planted.groups / "cpu/a")
    if lines.endswith("/a\n"):
        planted.refusing.clear()
        planted.stuck.add(planted.groups / "cpu")
    with pytest.raises(BadInput) as refusal:
        planted.limited(0.2)

    assert [] == lacking(str(refusal.value), "servers.cpus", [*facts, "--on compose"])
    assert [] == planted.made


def test_system_without_control_groups_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^servers\.cpus needs a control group: "):
        Quota(0.2, tmp_path / "none", tmp_path)


def test_quota_is_never_less_than_the_kernel_takes(tree: Any) -> None:
    planted = tree("1:cpu:/\n", ["cpu"])
    planted.limited(0.001)

    assert "1000" == (planted.made[0] / "cpu.cfs_quota_us").read_text()


def test_process_that_the_kernel_refuses_fails_the_trial(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tree("1:cpu:/\n", ["cpu"])
    limited = planted.limited(0.2)

    def refused(_pid: int, _group: Path) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(quota, "_move", refused)
    with pytest.raises(TrialFailed, match="Invalid argument"):
        limited.take(os.getpid())


@pytest.fixture
def real() -> Iterator[Quota]:
    try:
        limited = Quota(0.2)
    except BadInput as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield limited
    limited.remove()


BUSY = """
import time
from wirerace.observe.usage import usage
until = time.monotonic() + 60
while not usage().throttled_seconds and time.monotonic() < until:
    pass
print(f"throttled: {(usage().throttled_seconds or 0) > 0}", flush=True)
while time.monotonic() < until:
    pass
"""


def groups_left() -> set[Path]:
    return {Path(place) for place, _, _ in os.walk(GROUPS) if Path(place).name.startswith("wirerace-")}


@pytest.mark.processes
def test_busy_process_is_throttled_and_its_group_goes_with_it(real: Quota, tmp_path: Path) -> None:
    process = Process("busy", ["-c", BUSY], tmp_path / "log", quota=real)
    try:
        wait_until(lambda: "throttled" in (tmp_path / "log").read_text())
        assert "throttled: True\n" == (tmp_path / "log").read_text()
        assert real._group in groups_left()
    finally:
        process.stop()

    assert not real._group.exists()


@pytest.mark.processes
def test_process_that_is_started_again_has_its_quota_again(real: Quota, tmp_path: Path) -> None:
    process = Process("short", ["-c", "print('here', flush=True); input()"], tmp_path / "log", quota=real)
    try:
        wait_until(process.has_ended)
        process.restart()
        wait_until(process.has_ended)
        assert real._group.exists()
    finally:
        process.stop()

    assert not real._group.exists()


@pytest.mark.processes
def test_process_that_has_ended_is_no_failure(real: Quota) -> None:
    """The code that waits for it says why it ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()

    real.take(ended.pid)
