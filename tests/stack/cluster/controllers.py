"""What keeps the objects as they are described: the controller of deployments, the scheduler, and the collector."""

import hashlib
import json
import secrets
import threading
from typing import NamedTuple

from tests.stack.cluster.kinds import BY_NAME
from tests.stack.cluster.quantities import requested
from tests.stack.cluster.store import Described, ObjectKey, ObjectStore, has_labels, now

AGAIN_SECONDS = 1.0
MOST_PODS = 50
HASH = "pod-template-hash"


class NodeSize(NamedTuple):
    """What the pods of the one node may request together: cores, and bytes of memory."""

    cores: float
    memory_bytes: float


class Controllers:
    """One thread that looks at everything again after every change.

    `most_pods` is the quota of each namespace: a deployment makes no more pods, and says why.
    """

    def __init__(self, store: ObjectStore, size: NodeSize) -> None:
        self._store, self._size, self.most_pods = store, size, MOST_PODS
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. The store has been closed."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            version = self._store.version
            for deployment in self._store.all("deployments"):
                self._care_for(deployment)
            self._collect()
            for pod in self._store.all("pods"):
                if "nodeName" not in pod["spec"] and "deletionTimestamp" not in pod["metadata"]:
                    self._schedule(pod)
            self._store.wait(version, AGAIN_SECONDS)

    def _care_for(self, deployment: Described) -> None:
        """Make the pods of a deployment that are missing, and remove others. Its strategy is Recreate."""
        metadata, spec = deployment["metadata"], deployment["spec"]
        made_of = hashlib.sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()[:10]
        own = [one for one in self._store.all("pods", metadata["namespace"]) if owner_of(one) == metadata["uid"]]
        old = [one for one in own if one["metadata"]["labels"][HASH] != made_of]
        for pod in old:
            remove_pod(self._store, key_of(pod))
        if old:
            return  # the next change may be that they are gone
        there = [one for one in own if "deletionTimestamp" not in one["metadata"]]
        for pod in there[spec.get("replicas", 1) :]:
            remove_pod(self._store, key_of(pod))
        for _ in range(spec.get("replicas", 1) - len(there)):
            self._make_pod(deployment, made_of)

    def _make_pod(self, deployment: Described, made_of: str) -> None:
        metadata, template = deployment["metadata"], deployment["spec"]["template"]
        namespace, name = metadata["namespace"], f"{metadata['name']}-{made_of}-{secrets.token_hex(3)}"
        used = len(self._store.all("pods", namespace))
        if used >= self.most_pods:
            said = f'pods "{metadata["name"]}" is forbidden: exceeded quota: pods, used: pods={used}'
            failed = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": said}
            self._store.update(key_of(deployment), lambda one: one.update(status={"conditions": [failed]}))
            return
        owner = {"kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"], "controller": True}
        labels = template["metadata"]["labels"] | {HASH: made_of}
        made = template["metadata"] | {"name": name, "labels": labels, "ownerReferences": [owner]}
        pod = {"metadata": made, "spec": template["spec"], "status": {"phase": "Pending"}}
        self._store.create(BY_NAME["", "pods"], namespace, pod)

    def _collect(self) -> None:
        """Remove pods whose deployment is gone."""
        owners = {one["metadata"]["uid"] for one in self._store.all("deployments")}
        for pod in self._store.all("pods"):
            if owner_of(pod) not in owners:
                remove_pod(self._store, key_of(pod))

    def _schedule(self, pod: Described) -> None:
        others = [one for one in self._store.all("pods") if "nodeName" in one["spec"]]
        wanted = [requested(one) for one in (pod, *others)]
        lacking = ""
        if sum(one.cores for one in wanted) > self._size.cores:
            lacking = "1 Insufficient cpu"
        elif sum(one.memory_bytes for one in wanted) > self._size.memory_bytes:
            lacking = "1 Insufficient memory"
        elif not all(any(has_labels(one, labels) for one in others) for labels in _beside(pod)):
            lacking = "1 node(s) didn't match pod affinity rules"
        scheduled: Described = {"type": "PodScheduled", "status": "True"}
        if lacking:
            said = f"0/1 nodes are available: {lacking}. preemption: 0/1 nodes are available"
            scheduled |= {"status": "False", "reason": "Unschedulable", "message": said}

        def change(one: Described) -> None:
            one["status"]["conditions"] = [scheduled]
            if not lacking:
                one["spec"]["nodeName"] = "node"

        self._store.update(key_of(pod), change)


def key_of(described: Described) -> ObjectKey:
    """Return where an object is."""
    metadata = described["metadata"]
    return ObjectKey(f"{described['kind'].lower()}s", metadata["namespace"], metadata["name"])


def owner_of(pod: Described) -> str:
    """Return the identity of the deployment that a pod belongs to."""
    return str(pod["metadata"].get("ownerReferences", [{"uid": ""}])[0]["uid"])


def remove_pod(store: ObjectStore, key: ObjectKey, seconds: int | None = None) -> None:
    """Begin to remove a pod: the node ends its containers first, if it has any."""
    found = store.find(key)
    if found is None or "nodeName" not in found["spec"]:
        store.remove(key)
        return
    grace = found["spec"].get("terminationGracePeriodSeconds", 30) if seconds is None else seconds

    def change(one: Described) -> None:
        if "deletionTimestamp" not in one["metadata"]:
            one["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": grace}

    store.update(key, change)


def _beside(pod: Described) -> list[dict[str, str]]:
    """Return the labels of other pods that have to be on the node before a pod."""
    rules = pod["spec"].get("affinity", {}).get("podAffinity", {})
    found = rules.get("requiredDuringSchedulingIgnoredDuringExecution", [])
    return [one["labelSelector"]["matchLabels"] for one in found]
