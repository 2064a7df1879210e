"""The kinds of objects that the cluster has, and what it tells clients of them: discovery, and OpenAPI v3."""

from typing import Any, NamedTuple

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


class ObjectKind(NamedTuple):
    """A kind of objects: its group is empty for the core's, and `name` is in the plural, as in URLs."""

    group: str
    name: str
    kind: str
    short: str
    subresources: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Its group with the version, as objects name it."""
        return f"{self.group}/v1" if self.group else "v1"


KINDS = (
    ObjectKind("", "pods", "Pod", "po", ("exec", "log", "portforward")),
    ObjectKind("", "services", "Service", "svc"),
    ObjectKind("", "secrets", "Secret", ""),
    ObjectKind("", "configmaps", "ConfigMap", "cm"),
    ObjectKind("apps", "deployments", "Deployment", "deploy", ("scale",)),
    ObjectKind("networking.k8s.io", "networkpolicies", "NetworkPolicy", "netpol"),
)
GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS))
BY_NAME = {(kind.group, kind.name): kind for kind in KINDS}
OF_SUBRESOURCE = {
    "exec": ("", "v1", "PodExecOptions", ["create", "get"]),
    "portforward": ("", "v1", "PodPortForwardOptions", ["create", "get"]),
    "log": ("", "v1", "Pod", ["get"]),
    "scale": ("autoscaling", "v1", "Scale", ["get", "patch", "update"]),
}


def told(path: str) -> dict[str, Any] | None:
    """Return what the cluster tells of itself at a path, None at all others."""
    return _TOLD.get(path.strip("/"))


def _place(group: str) -> str:
    return f"apis/{group}/v1" if group else "api/v1"


def _group(name: str) -> dict[str, Any]:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resources(group: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for kind in (one for one in KINDS if one.group == group):
        entry = {"name": kind.name, "singularName": kind.kind.lower(), "namespaced": True, "kind": kind.kind}
        found.append(entry | {"verbs": VERBS, "shortNames": [kind.short] if kind.short else []})
        for name in kind.subresources:
            other, version, its_kind, verbs = OF_SUBRESOURCE[name]
            entry = {"name": f"{kind.name}/{name}", "singularName": "", "namespaced": True, "kind": its_kind}
            found.append(entry | {"verbs": verbs} | ({"group": other, "version": version} if other else {}))
    version = f"{group}/v1" if group else "v1"
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}


def _schema(group: str) -> dict[str, Any]:
    """Return as much as says that the cluster itself checks the fields of objects; then clients do not."""
    paths = {}
    for kind in (one for one in KINDS if one.group == group):
        patch = {
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": group, "version": "v1", "kind": kind.kind},
            "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
            "responses": {"200": {"description": "OK"}},
        }
        paths[f"/{_place(group)}/namespaces/{{namespace}}/{kind.name}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.32.4"}, "paths": paths}


def _all_told() -> dict[str, dict[str, Any]]:
    """Return what the cluster tells of itself, by path."""
    groups = [_group(name) for name in GROUPS if name]
    found: dict[str, dict[str, Any]] = {
        "version": {"major": "1", "minor": "32", "gitVersion": "v1.32.4", "platform": "linux/amd64"},
        "api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
        "openapi/v3": {"paths": {_place(one): {"serverRelativeURL": f"/openapi/v3/{_place(one)}"} for one in GROUPS}},
    }
    for group in GROUPS:
        found[_place(group)] = _resources(group)
        found[f"openapi/v3/{_place(group)}"] = _schema(group)
    return found


_TOLD = _all_told()
