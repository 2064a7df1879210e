"""The chart as Helm renders it, and the stack as docker-compose.yml describes it, in the same words."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from wirerace.transports import TRANSPORTS

ROOT = Path(__file__).parents[2]
CHART = ROOT / "kubernetes/wirerace"
RELEASE = "r"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C is ten times as fast, and not everywhere."""
OLDEST = "1.27"
"""The oldest Kubernetes that the chart is for."""
SERVERS = tuple(TRANSPORTS)
LOAD = ("locust", "locust-worker")
PATH = ("reverse-proxy", "link", "replica")
CERTIFICATE = {
    "chain": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
    "key": "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
}
PLACE = {
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "measured", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "podAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": {"app": "near"}}, "topologyKey": "topology.kubernetes.io/zone"}
            ]
        }
    },
}
EVERYTHING = {"path": {"enabled": True}, "nats": {"enabled": True}, "tls": CERTIFICATE, "controlToken": "secret"}
SETS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "two transports": {"transports": ["websocket", "polling"], "path": {"enabled": True}},
    "a path": {"path": {"enabled": True}},
    "a broker": {"nats": {"enabled": True}},
    "a broker beside HTTP": {"nats": {"enabled": True}, "feedUrl": "http://r-producer:8000"},
    "TLS": {"tls": CERTIFICATE},
    "an experiment": {"servers": {"replicas": 0}, "path": {"enabled": True}},
    "several workers": {"load": {"workers": 4}, "producer": {"channels": 10_000, "ratePerSecond": 0.5}},
    "no policies": {"networkPolicy": {"enabled": False}},
    "nobody scrapes": {
        "networkPolicy": {"prometheus": [], "dns": []},
        "prometheus": {"annotations": False},
        "dashboards": {"enabled": False},
    },
    "places": EVERYTHING | {"servers": PLACE, "load": PLACE, "path": {"enabled": True, **PLACE}},
    "servers anywhere": EVERYTHING | {"servers": {"besideProducer": False}, "load": {"apartFromServers": False}},
    "a registry": {"images": {"services": "example.org:5000/team/services:1", "pullSecrets": ["registry"]}},
}
"""Values by what they are for."""


def helm_program() -> str | None:
    """Return the path of Helm, None without one; that of this environment goes first."""
    return shutil.which("helm", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run Helm to its end, with values."""
    program = helm_program()
    assert program is not None
    given = [] if values is None else ["--values", "-"]
    return subprocess.run(
        [program, *arguments, *given], input=json.dumps(values or {}), capture_output=True, text=True, check=False
    )


def documents_in(text: str) -> list[dict[str, Any]]:
    """Return the documents of a YAML text that are not empty."""
    return [one for one in yaml.load_all(text, LOADER) if one is not None]


class Manifests:
    """What Helm makes of the chart with some values."""

    def __init__(self, values: Mapping[str, Any], chart: Path = CHART) -> None:
        done = helm("template", RELEASE, str(chart), "--kube-version", OLDEST, values=values)
        assert done.returncode == 0, done.stderr
        self.documents = documents_in(done.stdout)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the objects of a kind by their names without the release's."""
        found = [one for one in self.documents if one["kind"] == kind]
        return {one["metadata"]["name"].removeprefix(f"{RELEASE}-"): one for one in found}

    def pods(self) -> dict[str, dict[str, Any]]:
        """Return the template of each component's pods."""
        return {name: one["spec"]["template"] for name, one in self.of("Deployment").items()}

    def container(self, component: str) -> dict[str, Any]:
        """Return the main container of a component."""
        return next(one for one in containers_of(self.pods()[component]) if one["name"] == component)

    def environment(self, component: str) -> dict[str, str]:
        """Return the variables of a component's main container, those from Secrets as well."""
        secrets = self.of("Secret")
        found = {}
        for one in self.container(component).get("env", []):
            if "valueFrom" in one:
                of = one["valueFrom"]["secretKeyRef"]
                found[one["name"]] = secrets[of["name"].removeprefix(f"{RELEASE}-")]["stringData"][of["key"]]
            else:
                found[one["name"]] = one["value"]
        return found


@functools.cache
def rendered(name: str) -> Manifests:
    """Return the chart with a set of values."""
    return Manifests(SETS[name])


def containers_of(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all containers of a pod."""
    return [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]


def quantity(text: str | float) -> float:
    """Return an amount of Kubernetes as a number: 500m is a half, 64Mi are bytes."""
    unit = str(text).lstrip("0123456789.")
    return float(str(text).removesuffix(unit)) * {"": 1, "m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[unit]


def compose(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return docker-compose.yml with the settings of .env, and with others instead of some of them."""
    lines = (ROOT / ".env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#")) | dict(variables or {})
    text = (ROOT / "docker-compose.yml").read_text()
    return documents_in(re.sub(r"\$\{(\w+)\}", lambda match: settings[match[1]], text))[0]


def on_cluster(text: str) -> str:
    """Return a text of docker-compose.yml with the chart's names for the hosts in it."""
    hosts = "|".join(("producer", "locust", "nats", *SERVERS, *PATH))
    return re.sub(rf"//({hosts}):", rf"//{RELEASE}-\g<1>:", text)


def leaves(tree: object, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a tree of dicts with their places."""
    if isinstance(tree, dict) and tree:
        for key, inner in tree.items():
            yield from leaves(inner, f"{place}.{key}" if place else str(key))
    else:
        yield place, tree
