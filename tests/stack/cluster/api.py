"""The cluster's API over HTTP: discovery, objects, watches, and what is upgraded into a pod."""

import json
import select
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.stack.cluster.asked import ApiCall, call_in
from tests.stack.cluster.attached import EXEC_PROTOCOL, FORWARD_PROTOCOL, execute, forward
from tests.stack.cluster.controllers import remove_pod
from tests.stack.cluster.engine import EngineFailed, logs_of
from tests.stack.cluster.kinds import told
from tests.stack.cluster.kubelet import Node
from tests.stack.cluster.merging import merged
from tests.stack.cluster.protobuf import MAGIC, secret_in
from tests.stack.cluster.store import ApiRefused, Described, ObjectStore, has_labels

LOOK_SECONDS = 0.5
WATCH_SECONDS = 5.0
"""From the beginning of a watch to its end. Real clusters end each, too, after half an hour or more."""
STRATEGIC = "application/strategic-merge-patch+json"
UPGRADE = "SPDY/3.1"


class ApiServer(ThreadingHTTPServer):
    """The API at a port of this machine's loopback, with one namespace.

    `forbids` says which calls its user has no right to; `calls` has all that were allowed.
    """

    daemon_threads = True

    def __init__(self, store: ObjectStore, node: Node, namespace: str) -> None:
        super().__init__(("127.0.0.1", 0), ApiHandler)
        self.store, self.node, self.namespace = store, node, namespace
        self.forbids: Callable[[ApiCall], bool] = lambda _: False
        self.calls: list[ApiCall] = []

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self.server_port}"


class ApiHandler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: ApiServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is http.server's
        """Say nothing."""

    def do_GET(self) -> None:
        if (found := told(urlsplit(self.path).path)) is not None:
            self._answer(found)
        else:
            self.do_POST()

    def do_POST(self) -> None:
        """Answer a call of any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            call = call_in(self.command, self.path)
            if self.server.forbids(call):
                raise call.refusal
            self.server.calls.append(call)
            self._do(call, body)
        except ApiRefused as refused:
            self._answer(refused.status, refused.code)
        except EngineFailed as failed:
            self._answer(ApiRefused(500, "InternalError", str(failed)).status, 500)

    do_PUT = do_POST  # noqa: N815 -- the names are http.server's
    do_PATCH = do_POST  # noqa: N815
    do_DELETE = do_POST  # noqa: N815

    def _do(self, call: ApiCall, body: bytes) -> None:
        if call.subresource in {"exec", "portforward"}:
            self._upgrade(call)
        elif call.subresource == "log":
            self._log(call)
        elif call.subresource == "scale":
            self._scale(call, body)
        elif call.verb == "watch":
            self._watch(call)
        elif call.verb == "list":
            version = self.server.store.version
            items = self.server.store.all(call.kind.name, call.namespace, call.labels)
            found = {"kind": f"{call.kind.kind}List", "apiVersion": call.kind.version, "items": items}
            self._answer(found | {"metadata": {"resourceVersion": str(version)}})
        elif call.verb == "get":
            self._answer(self.server.store.get(call.key))
        elif call.verb == "create":
            if call.namespace != self.server.namespace:
                raise ApiRefused(404, "NotFound", f'namespaces "{call.namespace}" not found')
            self._answer(self.server.store.create(call.kind, call.namespace, object_in(body)), 201)
        elif call.verb == "delete":
            self._delete(call, body)
        else:
            self._answer(self._changed(call, body))

    def _changed(self, call: ApiCall, body: bytes) -> Described:
        """Return an object after a patch or an update of it."""
        is_strategic = self.headers.get_content_type() == STRATEGIC
        given = object_in(body)

        def change(one: Described) -> None:
            after = merged(one, given, is_strategic=is_strategic) if call.verb == "patch" else given
            metadata = after["metadata"] | {name: one["metadata"][name] for name in ("uid", "creationTimestamp")}
            one.clear()
            one.update(after | {"metadata": metadata})

        found = self.server.store.update(call.key, change)
        return self.server.store.get(call.key) if found is None else found

    def _scale(self, call: ApiCall, body: bytes) -> None:
        if call.verb != "get":
            count = json.loads(body)["spec"]["replicas"]
            self.server.store.update(call.key, lambda one: one["spec"].update(replicas=count))
        found = self.server.store.get(call.key)
        metadata = {name: found["metadata"][name] for name in ("name", "namespace", "uid", "resourceVersion")}
        count = found["spec"].get("replicas", 1)
        scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata}
        self._answer(scale | {"spec": {"replicas": count}, "status": {"replicas": count}})

    def _delete(self, call: ApiCall, body: bytes) -> None:
        self.server.store.get(call.key)
        if call.kind.name == "pods":
            grace = json.loads(body or "{}").get("gracePeriodSeconds")
            remove_pod(self.server.store, call.key, grace)
        else:
            self.server.store.remove(call.key)
        details = {"name": call.name, "kind": call.kind.name}
        self._answer({"kind": "Status", "apiVersion": "v1", "status": "Success", "details": details})

    def _watch(self, call: ApiCall) -> None:
        """Send changes as they are made, until the client is gone, or the time of a watch is over."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        version = int(call.query.get("resourceVersion", ["0"])[0] or 0)
        end = time.monotonic() + WATCH_SECONDS
        while time.monotonic() < end and not self.server.store.is_closed:
            for change in self.server.store.wait(version, LOOK_SECONDS):
                version = change.version
                is_there = (change.key.kind, change.key.namespace) == (call.kind.name, call.namespace)
                if is_there and has_labels(change.described, call.labels):
                    event = json.dumps({"type": change.type, "object": change.described}).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            if select.select([self.connection], [], [], 0)[0]:
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")

    def _log(self, call: ApiCall) -> None:
        container = self.server.node.pod(call.key).container(call.query.get("container", [""])[0])
        run = container.run_of(previous=call.says("previous"))
        if not run:
            raise ApiRefused(400, "BadRequest", f'container "{container.name}" in pod "{call.name}" is not available')
        self._send(200, "text/plain", logs_of(run, call.query.get("tailLines", ["all"])[0]).encode())

    def _upgrade(self, call: ApiCall) -> None:
        """Switch to streams. Newer clients ask for a WebSocket first, and come again when it is refused."""
        if self.headers.get("Upgrade", "").upper() != UPGRADE:
            raise ApiRefused(400, "BadRequest", f"only an upgrade to {UPGRADE} is possible")
        pod, wanted = self.server.node.pod(call.key), {"stdin", "stdout", "stderr"}
        run = ""
        if call.subresource == "exec":
            container = pod.container(call.query.get("container", [""])[0])
            if not (run := container.running):
                raise ApiRefused(500, "InternalError", f'container not found ("{container.name}")')
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", UPGRADE)
        self.send_header("X-Stream-Protocol-Version", EXEC_PROTOCOL if run else FORWARD_PROTOCOL)
        self.end_headers()
        self.close_connection = True
        if run:
            execute(self.connection, run, call.query["command"], {name for name in wanted if call.says(name)})
        else:
            forward(self.connection, pod.address, call.name)

    def _answer(self, described: Described, code: int = 200) -> None:
        self._send(code, "application/json", json.dumps(described).encode())

    def _send(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def object_in(body: bytes) -> Described:
    """Return what the body of a request describes."""
    found: Described = secret_in(body) if body.startswith(MAGIC) else json.loads(body)
    return found
