"""What the machine does to a process: the quota of its control group, of either version."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wirerace import usage

Groups = Callable[[str, dict[str, str]], None]


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Groups]:
    """Make control groups of files, the process being in the one that its /proc says."""
    monkeypatch.setattr(usage, "PROC", tmp_path / "proc")
    monkeypatch.setattr(usage, "CGROUPS", tmp_path / "cgroup")
    usage._cpu_stat.cache_clear()

    def make(own: str, files: dict[str, str]) -> None:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(own)
        for name, text in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    yield make
    usage._cpu_stat.cache_clear()


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/a\n", {"a/cpu.stat": "", "a/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a\n", {"a/cpu.stat": "", "a/cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/b/cpu.stat": "", "a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/outside\n", {"cpu.stat": "", "cpu.max": "200000 100000\n"}, 2.0),
        (
            "1:cpu:/a\n",
            {"cpu/a/cpu.stat": "", "cpu/a/cpu.cfs_quota_us": "25000\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
            0.25,
        ),
        (
            "1:cpu:/\n",
            {"cpu/cpu.stat": "", "cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            None,
        ),
        ("0::/a\n", {}, None),
    ],
)
def test_quota_is_the_tightest_of_the_groups_around(
    groups: Groups, own: str, files: dict[str, str], cores: float | None
) -> None:
    groups(own, files)

    assert cores == usage.cpu_quota_cores()


@pytest.mark.usefixtures("groups")
def test_quota_is_unknown_where_there_are_no_groups() -> None:
    assert usage.cpu_quota_cores() is None
