"""What the machine does to a process: the quota of its control group, of either version; waiting for a core."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wirerace.observe import usage

Groups = Callable[[str, dict[str, str]], None]


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Groups]:
    """Make control groups from files; the process is in the group that its /proc names."""
    monkeypatch.setattr(usage, "PROC", tmp_path / "proc")
    monkeypatch.setattr(usage, "CGROUPS", tmp_path / "cgroup")
    usage._groups_in.cache_clear()

    def make(own: str, files: dict[str, str]) -> None:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(own)
        for name, text in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    yield make
    usage._groups_in.cache_clear()


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


@pytest.mark.parametrize(
    ("own", "files", "seconds"),
    [
        ("0::/a\n", {"a/cpu.stat": "usage_usec 9\nthrottled_usec 1500000\n"}, 1.5),
        ("1:cpu:/a\n", {"cpu/a/cpu.stat": "nr_throttled 2\nthrottled_time 250000000\n"}, 0.25),
        ("2:cpu,cpuacct:/\n", {"cpu,cpuacct/cpu.stat": "throttled_time 0\n"}, 0.0),
        ("0::/a/b\n", {"a/b/cpu.stat": "throttled_usec 1\n", "a/cpu.stat": "throttled_usec 2\n"}, 3e-6),
        ("0::/\n", {"cpu.stat": "usage_usec 9\n"}, 0.0),
        ("0::/a\n", {}, None),
    ],
)
def test_throttling_is_that_of_the_groups_around_and_none_where_no_group_can_throttle(
    groups: Groups, own: str, files: dict[str, str], seconds: float | None
) -> None:
    groups(own, files)

    assert pytest.approx(seconds) == usage.usage().throttled_seconds


def test_process_that_is_put_into_another_group_is_throttled_with_that_one(groups: Groups, tmp_path: Path) -> None:
    groups("0::/\n", {"cpu.stat": "throttled_usec 0\n", "limited/cpu.stat": "throttled_usec 500000\n"})
    before = usage.usage().throttled_seconds
    (tmp_path / "proc/self/cgroup").write_text("0::/limited\n")

    assert (0.0, 0.5) == (before, usage.usage().throttled_seconds)


@pytest.mark.parametrize(("schedstat", "seconds"), [("5000 2000000000 7", 2.0), ("0 0 1", None), (None, None)])
def test_waiting_is_unknown_where_the_kernel_does_not_count(
    groups: Groups, tmp_path: Path, schedstat: str | None, seconds: float | None
) -> None:
    groups("0::/a\n", {})
    if schedstat:
        (tmp_path / "proc/self/schedstat").write_text(schedstat)

    assert pytest.approx(seconds) == usage.usage().waited_seconds


def test_waiting_is_unknown_when_a_process_has_ended_that_had_waited() -> None:
    assert [1.5, 0.0, None, None, None] == [
        usage.waited_between(*readings) for readings in ((2.0, 3.5), (2.0, 2.0), (2.0, 1.0), (None, 2.0), (2.0, None))
    ]


def test_segments_sent_again_are_those_of_the_network_namespace(groups: Groups, tmp_path: Path) -> None:
    groups("", {})
    assert usage.retransmitted_segments() is None
    (tmp_path / "proc/self/net").mkdir()
    (tmp_path / "proc/self/net/snmp").write_text("Ip: A B\nIp: 1 2\nTcp: OutSegs RetransSegs\nTcp: 10 3\n")

    assert 3 == usage.retransmitted_segments()
