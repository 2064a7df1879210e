"""Inside a container of a pod: its costs and its node's, read by a shell that answers at once, and signals to it."""

import contextlib
import select
import subprocess
import time
from typing import IO, NamedTuple

from wirerace.clock import now_ns
from wirerace.record.samples import Memory
from wirerace.stopping import whole
from wirerace.system import blamed_on

ANSWER_SECONDS = 3.0
AGAIN_SECONDS = 0.5  # between two attempts to reach a container that does not answer
END = "end of reading"
READ = rf"""
while read -r what seconds; do
  first=; all=
  cd /sys/fs/cgroup
  if [ -r cpu.stat ]; then read -r k v < cpu.stat; echo "group.$k=$v"; fi
  if [ -r cpuacct/cpuacct.usage ]; then read -r v < cpuacct/cpuacct.usage; echo "group.usage_nsec=$v"; fi
  read -r k v < /proc/stat; echo "node.busy=$v"
  if [ -r /proc/pressure/memory ]; then read -r k v < /proc/pressure/memory; echo "node.stalled=$v"; fi
  case $what in
  now) date +now=%s%N;;
  memory)
    sed -n 's/^\([a-z_]*\) /group.\1=/p' memory.stat memory/memory.stat 2>/dev/null
    sed 's/^/group.usage=/' memory.current memory/memory.usage_in_bytes 2>/dev/null;;
  KILL|TERM|STOP|CONT)
    mine=$(cat /proc/self/cgroup)
    for p in /proc/[0-9]*; do
      [ "$(cat $p/cgroup 2>/dev/null)" = "$mine" ] || continue
      {{ read -r name < $p/comm; }} 2>/dev/null || continue
      case $name in sh|cat|sed|date|sleep) continue;; esac
      n=${{p#/proc/}}; all="$all $n"
      if [ -z "$first" ] || [ "$n" -lt "$first" ]; then first=$n; fi
    done
    echo "signalled=$first";;
  esac
  cd /
  echo "{END}"
  [ -n "$first" ] || continue
  case $what in
  KILL|TERM) kill -$what $first;;
  STOP) kill -STOP $all; (sleep $seconds; kill -CONT $all) &;;
  CONT) kill -CONT $all;;
  esac
done
"""
"""Answers every line with what the kernel says of this container (control groups of version 2 or 1) and of its node.

CPU times take no new process, because their reading would count in them. A line that is a signal sends it: the first
process of the container is ended, all of them stop for a time or continue. They are chosen among those of the pod by
their control group, without shells and what shells run, which are those of a run. The answer comes before the signal,
because a container takes its shell with it.
"""
NODE = r"uname -sr; grep -c '^processor' /proc/cpuinfo; sed -n 's/^model name[^:]*: //p' /proc/cpuinfo"
"""Says the kernel of a node, the number of its cores, and the model of each of them, where there is one."""


class NodeOf(NamedTuple):
    """The node of a pod: its kernel, the model of its processor, and the number of its cores."""

    kernel: str
    cpu_model: str
    cores: int


class Reading(NamedTuple):
    """What was read at one time; `asked_ns` and `answered_ns` are by this machine's clock."""

    asked_ns: int
    answered_ns: int
    values: dict[str, str]

    @property
    def ahead_ns(self) -> tuple[int, int] | None:
        """By how much the node's clock is ahead of this machine's, at least and at most.

        None if its shell does not know the time to the nanosecond, or was not asked for it.
        """
        found = self.values.get("now", "")
        if not found.isdigit() or len(found) <= len("1000000000"):
            return None
        return int(found) - self.answered_ns, int(found) - self.asked_ns

    @property
    def signalled(self) -> bool:
        """Whether there was a process to which a signal was sent."""
        return bool(self.values.get("signalled"))

    @property
    def cpu_seconds(self) -> float | None:
        """The CPU time of the container so far."""
        if (used := self._group("usage_usec")) is not None:
            return used / 1e6
        return None if (used := self._group("usage_nsec")) is None else used / 1e9

    @property
    def busy_seconds(self) -> float | None:
        """The CPU time of all the node's cores so far."""
        ticks = self._ticks
        return None if ticks is None else (sum(ticks[:3]) + sum(ticks[5:7])) / TICKS

    @property
    def stolen_seconds(self) -> float | None:
        """What the hypervisor took so far."""
        ticks = self._ticks
        return None if ticks is None or len(ticks) < 8 else ticks[7] / TICKS

    @property
    def memory_stalled_seconds(self) -> float | None:
        """How long processes of the node have waited for memory so far; None if its kernel does not count it."""
        _, found, total = self.values.get("node.stalled", "").rpartition("total=")
        return int(total) / 1e6 if found else None

    @property
    def memory(self) -> Memory:
        """The memory of the container: its processes' own, and the kernel's for it."""
        own, files = (self._either(*names) for names in (("anon", "total_rss"), ("file", "total_cache")))
        usage = self._group("usage")
        is_known = own is not None and files is not None and usage is not None
        return Memory(
            began_ns=self.asked_ns,
            user_bytes=own if is_known else None,
            socket_bytes=max(0, usage - own - files) if own is not None and files is not None and usage else None,
            slab_bytes=self._group("slab"),
            kernel_of="container",
            ended_ns=self.answered_ns,
        )

    def _either(self, *names: str) -> int | None:
        return next((found for name in names if (found := self._group(name)) is not None), None)

    def _group(self, name: str) -> int | None:
        found = self.values.get(f"group.{name}", "")
        return int(found) if found.isdigit() else None

    @property
    def _ticks(self) -> list[int] | None:
        found = self.values.get("node.busy", "").split()
        return [int(one) for one in found] if found else None


TICKS = 100
"""Of the kernel's clock in a second, in /proc/stat."""


class PodReader:
    """A shell in a container that answers what its kernel says. It is started when it is first asked, and again."""

    def __init__(self, pod: str, container: str) -> None:
        self._command = exec_command(pod, container, "sh", "-c", READ, talks=True)
        self._running: subprocess.Popen[bytes] | None = None
        self._failed = -AGAIN_SECONDS
        self._asked_ns = 0

    def open(self) -> None:
        """Start its shell, if none is there; it is not waited for. After one that failed, that takes a while."""
        if self._running is not None and self._running.poll() is not None:
            self.close()  # its container has ended, and been started again
        if self._running is None and time.monotonic() >= self._failed + AGAIN_SECONDS:
            with whole(), blamed_on("kubectl"):
                self._running = subprocess.Popen(  # noqa: S603 -- our own
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    start_new_session=True,
                )

    def ask(self, what: str = "times") -> None:
        """Ask for times, or also for the `memory`, or what time it is `now`; or send a signal, such as `STOP 1.5`.

        `answer` waits for the answer.

        Several readers can be asked before the first answers.
        """
        self.open()
        if self._running is None:
            return
        self._asked_ns = now_ns()
        try:
            _pipe(self._running.stdin).write(f"{what}\n".encode())
        except OSError:
            self._fail()

    def answer(self) -> Reading | None:
        """Return what it says; None without an answer in time."""
        if self._running is None:
            return None
        stream, said = _pipe(self._running.stdout), b""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not said.endswith(f"{END}\n".encode()):
            left = deadline - time.monotonic()
            if left < 0 or not select.select([stream], [], [], left)[0] or not (part := stream.read(65536)):
                self._fail()
                return None
            said += part
        lines = said.decode(errors="replace").splitlines()
        values = dict(line.partition("=")[::2] for line in lines if "=" in line)
        return Reading(self._asked_ns, now_ns(), values)

    def read(self, what: str = "times") -> Reading | None:
        """Ask and return what it says."""
        self.ask(what)
        return self.answer()

    def close(self) -> None:
        """End the shell."""
        if self._running is not None:
            running, self._running = self._running, None
            running.kill()
            running.wait()
            for stream in (running.stdin, running.stdout):
                with contextlib.suppress(OSError):
                    _pipe(stream).close()

    def _fail(self) -> None:
        self._failed = time.monotonic()
        self.close()


def exec_command(pod: str, container: str, *command: str, talks: bool = False) -> list[str]:
    """Return the command that runs something in a container; it reads its input if it `talks`."""
    options = ["--stdin"] if talks else []
    return ["kubectl", "exec", *options, pod, "--container", container, "--", *command]


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 -- it was started with pipes
    return stream
