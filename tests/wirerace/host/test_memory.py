"""The kernel's memory for sockets: which users can read what, and the memory of one idle socket."""

import resource
from pathlib import Path
from typing import Any

import pytest

from wirerace.host import machine as samples
from wirerace.host import sockets
from wirerace.host.machine import slab_bytes
from wirerace.host.sockets import measure_socket_slab
from wirerace.runner.parts.container import Container

SLABINFO = """slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> ...
TCPv6                 10     26   2560   13    8 : tunables    0    0    0 : slabdata      2      2      0
TCP                  100    117   2368   13    8 : tunables    0    0    0 : slabdata      9      9      0
sock_inode_cache     110    117    832   39    8 : tunables    0    0    0 : slabdata      3      3      0
dentry              1000   1050    192   21    1 : tunables    0    0    0 : slabdata     50     50      0
vm_area_struct      9999   9999    200   20    1 : tunables    0    0    0 : slabdata    500    500      0
"""
OBJECTS_BYTES = 10 * 2560 + 100 * 2368 + 110 * 832 + 1000 * 192
MEMINFO = "MemTotal:       24683888 kB\nSlab:             351520 kB\nSReclaimable:     210000 kB\n"


def slab_from(directory: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> int | None:
    for name in ("SLABINFO", "MEMINFO"):
        file = directory / name
        if name in texts:
            file.write_text(texts[name])
        monkeypatch.setattr(samples, name, file)
    return slab_bytes()


def test_root_reads_the_objects_of_sockets_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OBJECTS_BYTES == slab_from(tmp_path, monkeypatch, SLABINFO=SLABINFO, MEMINFO=MEMINFO)


@pytest.mark.parametrize("slabinfo", [{}, {"SLABINFO": SLABINFO.replace("TCP ", "UDP ")}, {"SLABINFO": ""}])
def test_others_read_the_pages_of_all_kinds(
    slabinfo: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 351_520 * 1024 == slab_from(tmp_path, monkeypatch, MEMINFO=MEMINFO, **slabinfo)


@pytest.mark.parametrize("meminfo", [{}, {"MEMINFO": "MemTotal: 1 kB\n"}])
def test_kernel_that_does_not_report_is_unknown(
    meminfo: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slab_from(tmp_path, monkeypatch, **meminfo) is None
    assert measure_socket_slab() is None


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors: Linux")
def test_socket_costs_what_the_slab_grows_by_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel of the test's own: 4,000 bytes for each descriptor that this process has."""
    limits, before = resource.getrlimit(resource.RLIMIT_NOFILE), descriptors()
    monkeypatch.setattr(sockets, "slab_bytes", lambda: 10**9 + 4000 * descriptors())

    assert 4000.0 == measure_socket_slab()
    assert (limits, before) == (resource.getrlimit(resource.RLIMIT_NOFILE), descriptors())


def test_socket_is_unknown_where_too_few_files_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)

    assert measure_socket_slab() is None


class Engine:
    """The engine's statistics of a container's memory."""

    def __init__(self, memory: dict[str, Any]) -> None:
        self._memory = memory

    def stats(self, **_: object) -> dict[str, Any]:
        return {"memory_stats": self._memory}


@pytest.mark.parametrize(
    ("parts", "slab"),
    [({"anon": 300, "file": 200, "slab": 40}, 40), ({"total_rss": 300, "total_cache": 200}, None)],
)
def test_container_reports_its_slab_with_groups_of_version_2(parts: dict[str, int], slab: int | None) -> None:
    engine: Any = Engine({"usage": 600, "stats": parts})
    found = Container("websocket", engine).memory()

    assert (300, 100, slab) == (found.user_bytes, found.socket_bytes, found.slab_bytes)
    assert "container" == found.kernel_of
    assert 0 < found.began_ns <= found.ended_ns


def test_container_of_which_nothing_is_reported_is_unknown() -> None:
    engine: Any = Engine({})
    found = Container("websocket", engine).memory()

    assert (None, None, None) == (found.user_bytes, found.socket_bytes, found.slab_bytes)
