"""What a container has spent, as both versions of control groups tell it."""

from pathlib import Path

import pytest

from wirerace.experiment.targets.groups import cpu_seconds_of

ID = "ec269ffd0b1d"


def told(tmp_path: Path, lines: str, file: str, text: str) -> float | None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text(lines)
    place = tmp_path / "groups" / file
    place.parent.mkdir(parents=True)
    place.write_text(text)
    return cpu_seconds_of(ID, 7, tmp_path / "proc", tmp_path / "groups")


@pytest.mark.parametrize("controllers", ["cpuacct", "cpu,cpuacct"])
def test_version_1_counts_nanoseconds(controllers: str, tmp_path: Path) -> None:
    lines = f"9:pids:/docker/{ID}\n2:{controllers}:/docker/{ID}\n0::/docker/{ID}\n"

    assert 1.5 == told(tmp_path, lines, f"{controllers}/docker/{ID}/cpuacct.usage", "1500000000\n")


def test_version_2_counts_microseconds(tmp_path: Path) -> None:
    scope = f"system.slice/docker-{ID}.scope"
    text = "nr_periods 3\nusage_usec 2500000\nuser_usec 1\n"

    assert 2.5 == told(tmp_path, f"0::/{scope}\n", f"{scope}/cpu.stat", text)


def test_process_of_somebody_else_is_not_taken_for_the_container(tmp_path: Path) -> None:
    """An engine in a virtual machine has process numbers of its own."""
    assert told(tmp_path, "0::/user.slice\n", "user.slice/cpu.stat", "usage_usec 2500000\n") is None


def test_process_that_is_gone_has_no_figure(tmp_path: Path) -> None:
    assert cpu_seconds_of(ID, 7, tmp_path, tmp_path) is None
