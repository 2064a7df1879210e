"""The objects of the cluster, and the record of all changes of them, which watches and controllers follow."""

import base64
import copy
import datetime as dt
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from tests.stack.cluster.kinds import ObjectKind

Described = dict[str, Any]


class ObjectKey(NamedTuple):
    """Where an object is: the plural of its kind, its namespace and its name."""

    kind: str
    namespace: str
    name: str


class ObjectChange(NamedTuple):
    """One change, with the version that it made."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: ObjectKey
    described: Described


class ApiRefused(Exception):
    """The cluster refuses: an HTTP status, a reason of Kubernetes, and a message for people."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message

    @property
    def status(self) -> Described:
        """It as an object of the kind Status."""
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        return status | {"message": self.message, "reason": self.reason, "code": self.code}


class ObjectStore:
    """All objects. What goes in and out is copied, so nobody changes an object without a new version of it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._objects: dict[ObjectKey, Described] = {}
        self._changes: list[ObjectChange] = []
        self.is_closed = False

    @property
    def version(self) -> int:
        """The version of the last change."""
        return len(self._changes)

    def close(self) -> None:
        """Let all that wait return."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def wait(self, version: int, seconds: float) -> list[ObjectChange]:
        """Return the changes after a version; wait some time for one."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_closed or self.version > version, seconds)
            return self._changes[version:]

    def all(self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Described]:
        """Return the objects of a kind, of all namespaces or of one, that have some labels, in the order of names."""
        with self._changed:
            found = [
                copy.deepcopy(described)
                for key, described in sorted(self._objects.items())
                if key.kind == kind and namespace in {None, key.namespace}
            ]
        return [one for one in found if has_labels(one, labels or {})]

    def find(self, key: ObjectKey) -> Described | None:
        """Return an object, None if there is none."""
        with self._changed:
            return copy.deepcopy(self._objects.get(key))

    def get(self, key: ObjectKey) -> Described:
        """Return an object. Raises ApiRefused if there is none."""
        if (found := self.find(key)) is None:
            raise ApiRefused(404, "NotFound", f'{key.kind} "{key.name}" not found')
        return found

    def create(self, kind: ObjectKind, namespace: str, described: Described) -> Described:
        """Make an object. Raises ApiRefused if there is one."""
        made = copy.deepcopy(described) | {"apiVersion": kind.version, "kind": kind.kind}
        key = ObjectKey(kind.name, namespace, made["metadata"]["name"])
        made["metadata"] |= {"namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
        for name, text in made.pop("stringData", {}).items():
            made.setdefault("data", {})[name] = encoded(text)
        with self._changed:
            if key in self._objects:
                raise ApiRefused(409, "AlreadyExists", f'{key.kind} "{key.name}" already exists')
            return self._note("ADDED", key, made)

    def update(self, key: ObjectKey, change: Callable[[Described], object]) -> Described | None:
        """ObjectChange an object in place, if it is there and the change makes a difference. Return it."""
        with self._changed:
            if (before := self._objects.get(key)) is None:
                return None
            after = copy.deepcopy(before)
            change(after)
            return copy.deepcopy(after) if after == before else self._note("MODIFIED", key, after)

    def remove(self, key: ObjectKey) -> None:
        """Remove an object, if it is there."""
        with self._changed:
            if (found := self._objects.pop(key, None)) is not None:
                self._note("DELETED", key, found)

    def _note(self, kind: Literal["ADDED", "MODIFIED", "DELETED"], key: ObjectKey, described: Described) -> Described:
        described["metadata"]["resourceVersion"] = str(self.version + 1)
        self._changes.append(ObjectChange(self.version + 1, kind, key, copy.deepcopy(described)))
        if kind != "DELETED":
            self._objects[key] = described
        self._changed.notify_all()
        return copy.deepcopy(described)


def has_labels(described: Described, labels: Mapping[str, str]) -> bool:
    """Return whether an object has all of some labels."""
    return bool(labels.items() <= described["metadata"].get("labels", {}).items())


def encoded(text: str) -> str:
    """Return a text as objects carry binary data."""
    return base64.b64encode(text.encode()).decode()


def now() -> str:
    """Return the time as objects spell it."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
