"""kubectl and helm: both use the cluster and the namespace of kubectl's current context. What they say is explained."""

import json
import os
import re
from collections.abc import Sequence
from typing import Any

from wirerace.errors import BadInput, TrialFailed
from wirerace.runner.outside import Outside, finished, last_line

KUBECTL = Outside(
    ("kubectl",),
    missing="there is no kubectl command: install kubectl, or leave out --on kubernetes",
    seconds=120.0,
    hangs="does the cluster answer? kubectl cluster-info says it",
)
HELM = Outside(
    ("helm",),
    missing="there is no helm command: install Helm 3, or leave out --on kubernetes",
    seconds=300.0,
    hangs="does the cluster answer? kubectl cluster-info says it",
)
MOST_SAID = 300
HELMS_OWN = ("HELM_NAMESPACE", "HELM_KUBE")
WRONG_VALUES = "values don't meet the specifications of the schema"
UNREACHABLE = (
    "connection refused",
    "was refused",
    "cluster unreachable",
    "no configuration has been provided",
    "unable to connect to the server",
    "i/o timeout",
    "no such host",
    "current-context",
    "context was not found",
    "does not exist",
)
"""What a client says when no cluster answers; the last three when its configuration names none."""
NO_NAMESPACE = re.compile(r'namespaces "[^"]+" not found')
POLICIES = ("exceeded quota", "violates podsecurity", "denied the request")
NO_RIGHTS = ("forbidden", "unauthorized", "must be logged in")


def kubectl(*arguments: str, said: str | None = None) -> str:
    """Return what kubectl prints.

    Raises BadInput, with the cure, when it is missing, or when there is no cluster or right; TrialFailed for all else.
    """
    return _printed(KUBECTL, arguments, said)


def helm(*arguments: str, said: str | None = None) -> str:
    """Return what helm prints, with the same errors."""
    return _printed(HELM, arguments, said)


def objects(kind: str, selector: str) -> list[dict[str, Any]]:
    """Return all objects of a kind in the namespace with some labels.

    Raises as `kubectl` does.
    """
    found: list[dict[str, Any]] = json.loads(kubectl("get", kind, "--selector", selector, "--output", "json"))["items"]
    return found


def namespace() -> str:
    """Return the namespace of kubectl's current context."""
    found = kubectl("config", "view", "--minify", "--output", "jsonpath={..namespace}").strip()
    return found or "default"


def _printed(program: Outside, arguments: Sequence[str], said: str | None) -> str:
    # Helm has variables of its own for the namespace and the cluster; kubectl would use others.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(HELMS_OWN)}
    done = finished(program, arguments, said=said, environment=environment)
    if done.returncode:
        raise explained(f"{program.name} {arguments[0]}", done.stderr or done.stdout)
    return done.stdout


def explained(what: str, said: str) -> BadInput | TrialFailed:
    """Return the error for what a client of a cluster said, in one line with the cure where that is known."""
    line, lower = last_line(said).strip().removeprefix("Error: ")[:MOST_SAID], said.lower()
    if WRONG_VALUES in lower:
        found = [one.strip().removeprefix("- ") for one in said.splitlines() if one.strip().startswith("- ")]
        return BadInput(
            f"--values: the chart refuses {'; '.join(found)[:MOST_SAID]}: see kubernetes/wirerace/values.yaml"
        )
    if NO_NAMESPACE.search(line):
        return BadInput(f"{what}: {line}: make it with kubectl create namespace NAME, or choose another one")
    if any(words in lower for words in POLICIES):
        return BadInput(f"{what}: a quota or a policy of the namespace refuses it: {line}; choose another namespace")
    if any(words in lower for words in NO_RIGHTS):
        return BadInput(
            f"{what}: no right in this namespace: {line}; ask for the role in docs/kubernetes.md, or choose another "
            "namespace: kubectl config set-context --current --namespace NAME"
        )
    if any(words in lower for words in UNREACHABLE):
        return BadInput(
            f"no cluster answers: {line}; choose one with kubectl config use-context, or leave out --on kubernetes"
        )
    return TrialFailed(f"{what}: {line}")
