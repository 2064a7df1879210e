"""The one node: it makes each pod real containers of the local engine, and says what becomes of them."""

import shutil
import threading
from base64 import b64decode
from functools import partial
from pathlib import Path

from tests.stack.cluster.containers import ContainerRun, Sandbox
from tests.stack.cluster.controllers import key_of
from tests.stack.cluster.engine import NO_PROJECT, Deaths, address_of, docker, labelled
from tests.stack.cluster.store import ApiRefused, Described, ObjectKey, ObjectStore, has_labels

LOOK_SECONDS = 0.25
AGAIN_SECONDS = 1.0
PAUSE = ("sh", "-c", "sleep infinity & wait")
"""The first process of a pod's shared namespace: it waits for all processes that lose their parent."""


class NodePod:
    """A pod on the node, from its start until its containers are gone."""

    def __init__(self, node: "Node", pod: Described) -> None:
        self._node, self._pod, self.key = node, pod, key_of(pod)
        self._directory = node.directory / self.key.name
        self._pause = f"{self.key.name}.pause"
        self.address = ""
        self.containers: list[ContainerRun] = []
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at once."""
        self._woken.set()

    def container(self, name: str) -> ContainerRun:
        """Return a container. Raises ApiRefused without one."""
        for one in self.containers:
            if one.name == name or not name:
                return one
        raise ApiRefused(400, "BadRequest", f"container {name} is not valid for pod {self.key.name}")

    def _run(self) -> None:
        self._begin()
        while (found := self._node.store.find(self.key)) is not None and not self._node.is_closed:
            if "deletionTimestamp" in found["metadata"]:
                self._end(found["metadata"]["deletionGracePeriodSeconds"])
                return
            for container in self.containers:
                container.look()
            self._report()
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()

    def _begin(self) -> None:
        volumes = {one["name"]: str(self._volume(one)) for one in self._pod["spec"].get("volumes", [])}
        services = self._node.store.all("services", self.key.namespace)
        names = [one["metadata"]["name"] for one in services if has_labels(self._pod, one["spec"]["selector"])]
        options = ["--label", self._node.label, "--network", self._node.network, "--user", "65535:65535"]
        options += [f"--network-alias={name}" for name in names]
        command = ("run", "--detach", "--name", self._pause, *NO_PROJECT, *options, "--entrypoint", PAUSE[0])
        docker(*command, self._node.image, *PAUSE[1:])
        self.address = address_of(self._pause)
        sandbox = Sandbox(self._node.label, self._pause, self.address, volumes)
        for one in self._pod["spec"]["containers"]:
            self.containers.append(ContainerRun(self._pod, one, sandbox, partial(self._variables, one)))

    def _end(self, seconds: int) -> None:
        if running := [one.running for one in self.containers if one.running]:
            docker("stop", "-t", str(seconds), *running, check=False)
        names = [name for one in self.containers for name in one.runs]
        docker("rm", "--force", "--volumes", *names, self._pause, check=False)
        shutil.rmtree(self._directory, ignore_errors=True)
        self._node.store.remove(self.key)

    def _volume(self, volume: Described) -> Path:
        """Make the directory of a volume, with what a Secret or a ConfigMap puts there."""
        directory = self._directory / str(volume["name"])
        directory.mkdir(parents=True)
        directory.chmod(0o777 if "emptyDir" in volume else 0o755)
        files: dict[str, bytes] = {}
        if "secret" in volume:
            key = ObjectKey("secrets", self.key.namespace, volume["secret"]["secretName"])
            files = _decoded(self._node.store.find(key))
        elif "configMap" in volume:
            found = self._node.store.find(ObjectKey("configmaps", self.key.namespace, volume["configMap"]["name"]))
            files = {name: text.encode() for name, text in (found or {}).get("data", {}).items()}
        for name, content in files.items():
            (directory / name).write_bytes(content)
            (directory / name).chmod(0o444)
        return directory

    def _variables(self, container: Described) -> dict[str, str]:
        found = {}
        for one in container.get("env", []):
            found[one["name"]] = one.get("value", "")
            if "valueFrom" in one:
                asked = one["valueFrom"]["secretKeyRef"]
                secret = self._node.store.get(ObjectKey("secrets", self.key.namespace, asked["name"]))
                found[one["name"]] = _decoded(secret)[asked["key"]].decode()
        return found

    def _report(self) -> None:
        is_ready = all(one.is_ready for one in self.containers)
        ready = {"type": "Ready", "status": "True" if is_ready else "False"}
        status = {
            "phase": "Running" if any(one.restarts or one.running for one in self.containers) else "Pending",
            "podIP": self.address,
            "conditions": [{"type": "PodScheduled", "status": "True"}, ready],
            "containerStatuses": [one.status for one in self.containers],
        }
        self._node.store.update(self.key, lambda one: one.update(status=status))


class Node:
    """The kubelet, with a network of its own in which a service is an alias of its pods."""

    def __init__(self, store: ObjectStore, directory: Path, name: str, image: str) -> None:
        self.store, self.directory, self.network, self.image = store, directory, name, image
        self.label = f"{name}=1"
        self.is_closed = False
        docker("network", "create", name)
        self._pods: dict[ObjectKey, NodePod] = {}
        self._deaths = Deaths(self.label, self._ended)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def pod(self, key: ObjectKey) -> NodePod:
        """Return a pod. Raises ApiRefused when it is not on the node."""
        if (found := self._pods.get(key)) is None:
            raise ApiRefused(400, "BadRequest", f"pod {key.name} does not have a host assigned")
        return found

    @property
    def left(self) -> list[str]:
        """The containers that are there."""
        return labelled(self.label)

    def close(self) -> None:
        """Remove all that is there. The store has been closed."""
        self.is_closed = True
        self._thread.join()
        self._deaths.close()
        if found := self.left:
            docker("rm", "--force", "--volumes", *found, check=False)
        docker("network", "rm", self.network, check=False)

    def _follow(self) -> None:
        version = 0
        while not self.is_closed:
            for change in self.store.wait(version, AGAIN_SECONDS):
                version, key = change.version, change.key
                if key.kind != "pods":
                    continue
                if change.type == "DELETED":
                    self._pods.pop(key, None)
                elif "nodeName" in change.described["spec"] and key not in self._pods:
                    self._pods[key] = NodePod(self, change.described)
                elif "deletionTimestamp" in change.described["metadata"]:
                    self._pods[key].wake()

    def _ended(self, run: str, code: int) -> None:
        for pod in list(self._pods.values()):
            for container in pod.containers:
                container.ended(run, code)
            pod.wake()


def _decoded(secret: Described | None) -> dict[str, bytes]:
    data = {} if secret is None else secret.get("data", {})
    return {name: b64decode(text) for name, text in data.items()}
