"""A small cluster for tests: an API for the real kubectl and helm, and pods as containers of this machine."""

import json
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from tests.stack.cluster.api import ApiServer
from tests.stack.cluster.asked import ApiCall
from tests.stack.cluster.controllers import Controllers, NodeSize, key_of, remove_pod
from tests.stack.cluster.kinds import KINDS
from tests.stack.cluster.kubelet import Node
from tests.stack.cluster.store import ObjectStore

NAMESPACE = "races"
COMPONENT = "app.kubernetes.io/component"
LARGE = NodeSize(cores=64.0, memory_bytes=1e12)


class Cluster:
    """One node, one namespace, one user. `close` removes everything."""

    def __init__(self, directory: Path, image: str, *, size: NodeSize = LARGE) -> None:
        self.store = ObjectStore()
        self.node = Node(self.store, directory / "pods", f"wirerace-test-{secrets.token_hex(4)}", image)
        self.api = ApiServer(self.store, self.node, NAMESPACE)
        self.controllers = Controllers(self.store, size)
        self._serving = threading.Thread(target=self.api.serve_forever, daemon=True)
        self._serving.start()
        self.configuration = directory / "kubeconfig"
        self.configuration.write_text(json.dumps(configuration(self.api.url)))

    def forbid(self, forbids: Callable[[ApiCall], bool]) -> None:
        """Take rights from the user."""
        self.api.forbids = forbids

    @property
    def objects(self) -> list[str]:
        """The objects that there are, as `kind/name`."""
        return [f"{kind.name}/{one['metadata']['name']}" for kind in KINDS for one in self.store.all(kind.name)]

    def running(self, component: str) -> str:
        """Return the engine's name of the main container of a component's one pod."""
        (pod,) = self.store.all("pods", NAMESPACE, {COMPONENT: component})
        return self.node.pod(key_of(pod)).container(component).running

    def remove_pods(self, component: str) -> None:
        """Remove the pods of a component, as somebody with a right to do so can."""
        for pod in self.store.all("pods", NAMESPACE, {COMPONENT: component}):
            remove_pod(self.store, key_of(pod))

    def close(self) -> None:
        """End it, and remove its containers."""
        self.api.shutdown()
        self.api.server_close()
        self._serving.join()
        self.store.close()
        self.controllers.close()
        self.node.close()


def configuration(url: str, namespace: str = NAMESPACE) -> dict[str, object]:
    """Return kubectl's configuration for a cluster at a URL."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "tester", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "tester", "namespace": namespace}}],
        "current-context": "test",
    }
