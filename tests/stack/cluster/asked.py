"""What a client asks of the cluster's API, as rules of access name it."""

from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.stack.cluster.kinds import BY_NAME, ObjectKind
from tests.stack.cluster.store import ApiRefused, ObjectKey

USER = "tester"


class ApiCall(NamedTuple):
    """One call: what is done to which objects. An empty name means all of a namespace."""

    verb: str
    kind: ObjectKind
    subresource: str
    namespace: str
    name: str
    query: dict[str, list[str]]

    @property
    def key(self) -> ObjectKey:
        """The object."""
        return ObjectKey(self.kind.name, self.namespace, self.name)

    @property
    def resource(self) -> str:
        """What rules of access call it."""
        return f"{self.kind.name}/{self.subresource}" if self.subresource else self.kind.name

    @property
    def labels(self) -> dict[str, str]:
        """The labels that are asked for."""
        given = [part for text in self.query.get("labelSelector", []) for part in text.split(",")]
        return dict(part.split("=", 1) for part in given if part)

    def says(self, option: str) -> bool:
        """Return whether an option is `true`."""
        return self.query.get(option, [""])[0] in {"true", "1"}

    @property
    def refusal(self) -> ApiRefused:
        """The answer to a user without the right."""
        what = f'{self.kind.name} "{self.name}"' if self.name else self.kind.name
        said = f'User "{USER}" cannot {self.verb} resource "{self.resource}" in API group "{self.kind.group}"'
        return ApiRefused(403, "Forbidden", f'{what} is forbidden: {said} in the namespace "{self.namespace}"')


def call_in(method: str, target: str) -> ApiCall:
    """Return what a request asks. Raises ApiRefused when the cluster has no such thing."""
    split = urlsplit(target)
    query = parse_qs(split.query, keep_blank_values=True)
    parts = split.path.strip("/").split("/")
    group = parts[1] if parts[0] == "apis" else ""
    rest = parts[3:] if group else parts[2:]
    if len(rest) < 3 or rest[0] != "namespaces" or (group, rest[2]) not in BY_NAME:
        raise ApiRefused(404, "NotFound", "the server could not find the requested resource")
    name, subresource = [*rest[3:], "", ""][:2]
    verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(method, "get")
    if method == "GET" and not name:
        verb = "watch" if query.get("watch", [""])[0] in {"true", "1"} else "list"
    return ApiCall(verb, BY_NAME[group, rest[2]], subresource, rest[1], name, query)
