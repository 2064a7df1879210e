"""The shells that read control groups and send signals in containers, run here on files and processes of the tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

from wirerace.runner.cluster.inside import END, READ, Reading

SHELLS = [["sh"], ["busybox", "sh"]]


VERSION_2 = {
    "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\n",
    "memory.stat": "anon 1000\nfile 200\nslab 30\n",
    "memory.current": "1500\n",
}
VERSION_1 = {
    "cpuacct/cpuacct.usage": "1500000000\n",
    "memory/memory.stat": "cache 1\nrss 2\ntotal_cache 200\ntotal_rss 1000\n",
    "memory/memory.usage_in_bytes": "1500\n",
}
STAT = "cpu  100 20 30 4000 50 6 7 8 0 0\ncpu0 1 2 3\n"


@pytest.fixture(params=SHELLS, ids=lambda one: one[0])
def shell(request: pytest.FixtureRequest) -> list[str]:
    """A shell as images have them: Debian's, and that of Alpine, from which the broker's image is made."""
    found: list[str] = request.param
    if shutil.which(found[0]) is None:
        pytest.skip(f"{found[0]} is not installed: the scripts were not tried in it")
    return found


@pytest.mark.processes
@pytest.mark.parametrize(("files", "slab"), [(VERSION_2, 30), (VERSION_1, None)], ids=["version 2", "version 1"])
def test_shell_reads_the_control_group(
    shell: list[str], files: dict[str, str], slab: int | None, tmp_path: Path
) -> None:
    for name, text in {**{f"cgroup/{name}": text for name, text in files.items()}, "stat": STAT}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    script = READ.replace("/sys/fs/cgroup", f"{tmp_path}/cgroup").replace("/proc/stat", f"{tmp_path}/stat")
    done = subprocess.run([*shell, "-c", script], input="times\nmemory\n", capture_output=True, text=True, check=True)
    times, memory, rest = done.stdout.split(f"{END}\n")
    found = reading(times)

    assert ("", "") == (rest, done.stderr)
    assert 1.5 == found.cpu_seconds
    assert (1.63, 0.08) == (found.busy_seconds, found.stolen_seconds)
    assert None is found.ahead_ns
    assert None is found.memory.user_bytes, "it was not asked for"
    kept = reading(memory).memory
    assert (1000, 300, slab) == (kept.user_bytes, kept.socket_bytes, kept.slab_bytes)


def reading(said: str) -> Reading:
    """Return what a shell said as it is read, asked at 10 and answered at 20 nanoseconds."""
    return Reading(10, 20, dict(line.partition("=")[::2] for line in said.splitlines()))


def test_node_that_counts_little_is_read_as_unknown() -> None:
    empty = Reading(10, 20, {})
    assert [None] * 5 == [
        empty.cpu_seconds,
        empty.busy_seconds,
        empty.stolen_seconds,
        empty.memory_stalled_seconds,
        empty.ahead_ns,
    ]
    assert 2.5 == Reading(0, 0, {"node.stalled": "avg10=0.00 avg60=0.00 total=2500000"}).memory_stalled_seconds


def test_clock_of_a_node_is_known_between_question_and_answer() -> None:
    at_ns = 1_700_000_000_000_000_000
    assert (-15, 5) == Reading(at_ns, at_ns + 20, {"now": str(at_ns + 5)}).ahead_ns
    assert None is Reading(0, 20, {"now": "1700000000"}).ahead_ns, "a date that knows seconds only"


def signalling(shell: list[str], orders: str, processes: dict[str, tuple[str, str]], directory: Path) -> list[str]:
    """Return the lines that the shell of a container says to orders; signals and sleeping are said, too."""
    for number, (name, group) in processes.items():
        (directory / number).mkdir()
        (directory / number / "comm").write_text(f"{name}\n")
        (directory / number / "cgroup").write_text(group)
    (directory / "12").mkdir()  # it has just ended
    (directory / "stat").write_text(STAT)
    script = 'kill() { echo "kill $*"; }; sleep() { echo "sleep $*"; }' + READ.replace("/proc/", f"{directory}/")
    done = subprocess.run([*shell, "-c", script], input=orders, capture_output=True, text=True, check=True)
    assert "" == done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith(("group.", "node."))]


@pytest.mark.processes
def test_signals_go_to_the_processes_of_a_container_and_to_no_shell(shell: list[str], tmp_path: Path) -> None:
    mine, others = "0::/\n", "0::/../other\n"
    processes = {"1": ("pause", others), "9": ("python", mine), "10": ("nginx", mine), "7": ("sh", mine)}
    processes |= {"11": ("sleep", mine), "8": ("python", others), "self": ("sh", mine)}
    said = signalling(shell, "KILL\nTERM\nSTOP 1.5\n", processes, tmp_path)

    assert ["signalled=9", END, "kill -KILL 9", "signalled=9", END, "kill -TERM 9"] == said[:6]
    assert ["signalled=9", END] == said[6:8]
    assert {"kill -STOP 10 9", "sleep 1.5", "kill -CONT 10 9"} == set(said[8:]), "the first is the lowest number"


@pytest.mark.processes
def test_container_without_processes_is_sent_no_signal(shell: list[str], tmp_path: Path) -> None:
    said = signalling(shell, "KILL\ntimes\n", {"self": ("sh", "0::/\n"), "8": ("python", "other\n")}, tmp_path)
    assert ["signalled=", END, END] == said
    assert (False, True) == tuple(reading(f"signalled={one}").signalled for one in ("", "9"))
