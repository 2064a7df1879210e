"""The pods of a release as the cluster last described them: one kubectl watches, and a thread keeps what it says."""

import json
import math
import subprocess
import threading
import time
from contextlib import suppress
from typing import Any

from wirerace.errors import SystemFault
from wirerace.runner.outside import tied
from wirerace.system import blamed_on

COMPONENT = "app.kubernetes.io/component"
INSTANCE = "app.kubernetes.io/instance"
ROLL = "wirerace/roll"
"""A pod's annotation: with which change of its deployment it was made."""
AGAIN_SECONDS = 1.0  # from the end of a watch to the next: a cluster ends each after some time
CLOSE_SECONDS = 0.2
SETTLE_SECONDS = 1.0  # from the first event of a watch until it has told all pods
CANNOT_PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
CANNOT_START = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
MOST_MESSAGE = 200
SCALES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3}


class PodState:
    """What the cluster says of one pod."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._described = described
        self.name = str(described["metadata"]["name"])
        self.component = str(described["metadata"].get("labels", {}).get(COMPONENT, ""))
        self.roll = str(described["metadata"].get("annotations", {}).get(ROLL, ""))
        self.node = str(described["spec"].get("nodeName", ""))
        self.address = str(self._status.get("podIP", ""))
        # A pod that its node has evicted stays as Failed, and its deployment makes another one.
        has_failed = self._status.get("phase") in {"Failed", "Succeeded"}
        self.is_leaving = has_failed or "deletionTimestamp" in described["metadata"]

    @property
    def is_ready(self) -> bool:
        """Whether all its containers have started and answer."""
        conditions = self._status.get("conditions", [])
        return not self.is_leaving and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    @property
    def restarts(self) -> int:
        """How often its main container was started again."""
        return int(self._main.get("restartCount", 0))

    @property
    def ends(self) -> int:
        """How often its main container has ended: it is counted before it is started again."""
        return self.restarts + ("terminated" in self._main.get("state", {}) or self._is_down)

    @property
    def _is_down(self) -> bool:
        """Whether its main container waits to be started again."""
        return "waiting" in self._main.get("state", {}) and "terminated" in self._main.get("lastState", {})

    @property
    def runs(self) -> bool:
        """Whether its main container runs."""
        return not self.is_leaving and "running" in self._main.get("state", {})

    @property
    def cpus(self) -> float:
        """The CPU limit of its main container in cores; 0 without one."""
        limits = self._container.get("resources", {}).get("limits", {})
        return cores_in(str(limits.get("cpu", "0")))

    def variable(self, name: str) -> str:
        """Return a variable of its main container, empty without one."""
        given = {one["name"]: one.get("value", "") for one in self._container.get("env", [])}
        return str(given.get(name, ""))

    @property
    def has_no_place(self) -> bool:
        """Whether the scheduler has found no node for it yet."""
        return not self.node

    @property
    def trouble(self) -> str:
        """Why it cannot start, with the cure where that is known; empty if nothing is known against it."""
        for one in self._status.get("containerStatuses", []):
            waiting = one.get("state", {}).get("waiting", {})
            reason, said = waiting.get("reason", ""), " ".join(waiting.get("message", "").split())[:MOST_MESSAGE]
            if reason in CANNOT_PULL:
                return (
                    f"the image {one['image']} cannot be pulled ({reason}: {said}): push it where the cluster finds "
                    "it, and name it in --values: docs/kubernetes.md"
                )
            if reason in CANNOT_START:
                return f"{reason}: {said}"
        for condition in self._status.get("conditions", []):
            if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
                said = condition.get("message", "")[:MOST_MESSAGE]
                return f"no node can take it ({said}): ask for less in --values (or in servers.cpus), or free a node"
        return ""

    @property
    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._described.get("status", {})
        return found

    @property
    def _container(self) -> dict[str, Any]:
        containers: list[dict[str, Any]] = self._described["spec"]["containers"]
        return next((one for one in containers if one["name"] == self.component), containers[0])

    @property
    def _main(self) -> dict[str, Any]:
        statuses: list[dict[str, Any]] = self._status.get("containerStatuses", [])
        return next((one for one in statuses if one["name"] == self._container["name"]), {})


class PodsSeen:
    """The pods that one watch after the other describes, without I/O. Times are seconds of any clock.

    Each watch begins with all pods that there are. Until it has told them, those of the one before are still there.
    """

    def __init__(self) -> None:
        self._text = ""
        self._before: dict[str, PodState] = {}
        self._found: dict[str, PodState] = {}
        self._settles_at = math.inf

    def begin(self, at: float) -> None:
        """A watch begins."""
        self._before = self.all(at)
        self._settles_at = math.inf  # first, because another thread may be reading
        self._found, self._text = {}, ""

    def note(self, line: str, at: float) -> bool:
        """Take a line of what kubectl prints; return whether the watch continues, which it does not after an error."""
        self._text += line
        if line.startswith(" ") or not line.rstrip().endswith("}"):  # an event ends with a bracket at the margin
            return True
        event, end = json.JSONDecoder().raw_decode(self._text)
        self._text = self._text[end:].lstrip()
        if event["type"] not in {"ADDED", "MODIFIED", "DELETED"}:
            return False
        self._settles_at = min(self._settles_at, at + SETTLE_SECONDS)
        pod = PodState(event["object"])
        if event["type"] == "DELETED":
            self._before = {name: one for name, one in self._before.items() if name != pod.name}
            self._found = {name: one for name, one in self._found.items() if name != pod.name}
        else:
            self._found = self._found | {pod.name: pod}
        return True

    def all(self, at: float) -> dict[str, PodState]:
        """Return all pods by name, also those that are being deleted."""
        return (self._before if at < self._settles_at else {}) | self._found


class PodWatch:
    """Watches the pods of a release until it is closed."""

    def __init__(self, release: str) -> None:
        self._command = ["kubectl", "get", "pods", "--selector", f"{INSTANCE}={release}"]
        self._command += ["--output", "json", "--watch", "--output-watch-events"]
        self._seen = PodsSeen()
        self._closing = threading.Event()
        self._running = self._start()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def of(self, component: str) -> list[PodState]:
        """Return the pods of a component that are not being deleted, in the order of their names."""
        found = [one for one in self.all() if one.component == component and not one.is_leaving]
        return sorted(found, key=lambda one: one.name)

    def all(self) -> list[PodState]:
        """Return all pods, also those that are being deleted."""
        return list(self._seen.all(time.monotonic()).values())

    def named(self, name: str) -> PodState | None:
        """Return a pod, None if there is none any more."""
        return self._seen.all(time.monotonic()).get(name)

    def close(self) -> None:
        """Watch no more."""
        self._closing.set()
        while self._thread.is_alive():  # it may just have started another one
            self._running.kill()
            self._thread.join(CLOSE_SECONDS)

    def _start(self) -> "subprocess.Popen[str]":
        with blamed_on("kubectl"):
            return subprocess.Popen(  # noqa: S603 -- our own
                tied(self._command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )

    def _follow(self) -> None:
        while not self._closing.is_set():
            self._read()
            self._running.wait()
            if not self._closing.wait(AGAIN_SECONDS):
                with suppress(SystemFault):  # it is tried again
                    self._running = self._start()

    def _read(self) -> None:
        """Note what one watch prints, until it ends."""
        self._seen.begin(time.monotonic())
        if self._running.stdout is None or self._running.stdout.closed:
            return
        with self._running.stdout as lines:
            if not all(self._seen.note(line, time.monotonic()) for line in lines):
                self._running.kill()


def cores_in(spelled: str) -> float:
    """Return the cores of a quantity such as `500m` or `2`."""
    return float(spelled.rstrip("numk")) * SCALES.get(spelled[-1:], 1.0)
