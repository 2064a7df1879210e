"""One container of a pod: it is started, probed, and started again when it has ended, as a kubelet does."""

import http.client
import itertools
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tests.stack.cluster.engine import NO_PROJECT, EngineFailed, docker, has_image
from tests.stack.cluster.quantities import amount
from tests.stack.cluster.store import ApiRefused, Described, now

PULL_SECONDS = 5.0  # to the next attempt
PROBE_SECONDS = 1.0
BACK_OFF_SECONDS = (0.0, 10.0, 20.0, 40.0, 80.0)
"""From an end to the next start: the first at once."""


class Sandbox(NamedTuple):
    """What the containers of a pod share: the cluster's label, a container's namespaces, an address, directories."""

    label: str
    pause: str
    address: str
    volumes: dict[str, str]


class ContainerRun:
    """A container of a pod, over all its starts.

    `variables` looks up its environment; it raises ApiRefused when a Secret is missing. `runs` are the engine's names
    of all its containers so far.
    """

    def __init__(
        self, pod: Described, container: Described, sandbox: Sandbox, variables: Callable[[], dict[str, str]]
    ) -> None:
        self._pod, self._container, self._sandbox, self._variables = pod, container, sandbox, variables
        self.name: str = container["name"]
        self.restarts = 0
        self._starts = itertools.count()
        self.runs: list[str] = []
        self._state: Described = {"waiting": {"reason": "ContainerCreating"}}
        self._last: Described = {}
        self._next_at = 0.0
        self._failures = 0
        self.is_ready = False

    @property
    def running(self) -> str:
        """The engine's name of the container that runs, empty if none does."""
        return self.runs[-1] if "running" in self._state else ""

    def run_of(self, *, previous: bool) -> str:
        """Return the engine's name of the last container, or of the one before; empty if there is none."""
        found = self.runs[:-1] if previous else self.runs
        return found[-1] if found else ""

    @property
    def status(self) -> Described:
        """It as the pod's status describes it."""
        described = {"name": self.name, "image": self._container["image"], "restartCount": self.restarts}
        return described | {"ready": self.is_ready, "state": self._state, "lastState": self._last}

    def ended(self, run: str, code: int) -> None:
        """Note that one of its containers has ended."""
        if run != self.running:
            return
        reason = "Error" if code else "Completed"
        self._state = {"terminated": {"exitCode": code, "reason": reason, "finishedAt": now()}}
        self.is_ready = False
        self._next_at = time.monotonic() + BACK_OFF_SECONDS[min(self.restarts, len(BACK_OFF_SECONDS) - 1)]

    def look(self) -> None:
        """Do what is due."""
        is_due = time.monotonic() >= self._next_at
        if self.running:
            if not self.is_ready and is_due:
                self._probe()
        elif "terminated" in self._state and not is_due:
            self._last = self._state
            waiting = {"reason": "CrashLoopBackOff", "message": f"back-off restarting failed container {self.name}"}
            self._state = {"waiting": waiting}
        elif is_due:
            self._start()

    def _start(self) -> None:
        image = self._container["image"]
        if not has_image(image):
            is_first = self._state == {"waiting": {"reason": "ContainerCreating"}}
            said = f'failed to resolve reference "{image}": pull access denied, repository does not exist'
            if is_first:
                self._wait("ErrImagePull", said)
            else:
                self._wait("ImagePullBackOff", f'Back-off pulling image "{image}"')
            return
        if "terminated" in self._state:
            self._last = self._state
        number = next(self._starts)
        run = f"{self._pod['metadata']['name']}.{self.name}.{number}"
        self.restarts, self._failures = number, 0
        self.runs.append(run)
        self._state = {"running": {"startedAt": now()}}
        try:
            docker("run", "--detach", "--name", run, *NO_PROJECT, *self._options(), image, *self._words())
        except EngineFailed as refused:
            self._wait("RunContainerError", str(refused))
        except ApiRefused as refused:
            self._wait("CreateContainerConfigError", refused.message)

    def _wait(self, reason: str, message: str) -> None:
        self._state = {"waiting": {"reason": reason, "message": message}}
        self._next_at = time.monotonic() + PULL_SECONDS

    def _options(self) -> list[str]:
        """Return the options of the engine that mean what the pod's description says."""
        rules, spec = self._container.get("securityContext", {}), self._pod["spec"]
        user = spec["securityContext"]
        options = ["--label", self._sandbox.label, "--network", f"container:{self._sandbox.pause}"]
        options += ["--user", f"{user['runAsUser']}:{user['runAsGroup']}"]
        options += ["--pid", f"container:{self._sandbox.pause}"] if spec.get("shareProcessNamespace") else []
        options += ["--read-only"] if rules.get("readOnlyRootFilesystem") else []
        options += [f"--cap-drop={name}" for name in rules.get("capabilities", {}).get("drop", [])]
        options += [] if rules.get("allowPrivilegeEscalation", True) else ["--security-opt", "no-new-privileges"]
        limits = self._container.get("resources", {}).get("limits", {})
        options += [f"--cpus={amount(limits['cpu']):g}"] if "cpu" in limits else []
        memory = f"{amount(limits.get('memory', 0)):.0f}"
        options += ["--memory", memory, "--memory-swap", memory] if "memory" in limits else []
        for name, value in self._variables().items():
            options += ["--env", f"{name}={value}"]
        for mount in self._container.get("volumeMounts", []):
            ending = ":ro" if mount.get("readOnly") else ""
            options += ["--volume", f"{self._sandbox.volumes[mount['name']]}:{mount['mountPath']}{ending}"]
        command = self._container.get("command", [])
        return [*options, "--entrypoint", command[0]] if command else options

    def _words(self) -> list[str]:
        return [*self._container.get("command", [])[1:], *self._container.get("args", [])]

    def _probe(self) -> None:
        """Ask once whether it has started; too many failures end it."""
        probe = self._container.get("startupProbe")
        self._next_at = time.monotonic() + PROBE_SECONDS
        self.is_ready = probe is None or _answers(self._sandbox.address, probe)
        self._failures += not self.is_ready
        if probe is not None and self._failures >= probe.get("failureThreshold", 3):
            docker("kill", self.running, check=False)


def _answers(address: str, probe: Described) -> bool:
    with suppress(OSError, http.client.HTTPException):
        if "tcpSocket" in probe:
            socket.create_connection((address, probe["tcpSocket"]["port"]), PROBE_SECONDS).close()
            return True
        asked = probe["httpGet"]
        connection = http.client.HTTPConnection(address, asked["port"], timeout=PROBE_SECONDS)
        try:
            connection.request("GET", asked["path"])
            return connection.getresponse().status < 400
        finally:
            connection.close()
    return False
