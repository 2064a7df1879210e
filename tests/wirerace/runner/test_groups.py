"""The CPU time of a container, from both versions of control groups."""

from pathlib import Path

import pytest

from wirerace.runner.parts.groups import cpu_seconds_of, is_stopped

ID = "ec269ffd0b1d"


def seconds_from(tmp_path: Path, lines: str, file: str, text: str) -> float | None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text(lines)
    place = tmp_path / "groups" / file
    place.parent.mkdir(parents=True)
    place.write_text(text)
    return cpu_seconds_of(ID, 7, tmp_path / "proc", tmp_path / "groups")


@pytest.mark.parametrize("controllers", ["cpuacct", "cpu,cpuacct"])
def test_version_1_counts_nanoseconds(controllers: str, tmp_path: Path) -> None:
    lines = f"9:pids:/docker/{ID}\n2:{controllers}:/docker/{ID}\n0::/docker/{ID}\n"

    assert 1.5 == seconds_from(tmp_path, lines, f"{controllers}/docker/{ID}/cpuacct.usage", "1500000000\n")


def test_version_2_counts_microseconds(tmp_path: Path) -> None:
    scope = f"system.slice/docker-{ID}.scope"
    text = "nr_periods 3\nusage_usec 2500000\nuser_usec 1\n"

    assert 2.5 == seconds_from(tmp_path, f"0::/{scope}\n", f"{scope}/cpu.stat", text)


def test_process_of_another_system_is_not_taken_for_the_container(tmp_path: Path) -> None:
    """An engine in a virtual machine has process numbers of its own."""
    assert seconds_from(tmp_path, "0::/user.slice\n", "user.slice/cpu.stat", "usage_usec 2500000\n") is None


@pytest.mark.parametrize(("state", "stopped"), [("T", True), ("t", True), ("S", False), ("R", False)])
def test_first_process_of_a_container_is_seen_to_be_stopped(tmp_path: Path, state: str, *, stopped: bool) -> None:
    """A program's name may hold blanks and brackets."""
    seconds_from(tmp_path, f"0::/{ID}\n", "none", "")
    (tmp_path / "proc/7/stat").write_text(f"7 (a ) T (b) {state} 1 7 7 0\n")

    assert stopped == is_stopped(ID, 7, tmp_path / "proc")
    assert not is_stopped("another", 7, tmp_path / "proc")
    assert not is_stopped(ID, 8, tmp_path / "proc")


def test_process_that_is_gone_has_no_figure(tmp_path: Path) -> None:
    assert cpu_seconds_of(ID, 7, tmp_path, tmp_path) is None
