"""What is read of a cluster without one: errors of its clients, and states of pods."""

import json
from typing import Any

import pytest

from wirerace.errors import BadInput, TrialFailed
from wirerace.runner.cluster.commands import explained
from wirerace.runner.cluster.pods import PodsSeen, PodState, cores_in

FORBIDDEN = (
    'Error: list: failed to list: secrets is forbidden: User "tester" cannot list resource "secrets" in API group "" '
    'in the namespace "theirs"'
)
REFUSED = "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"
NO_CONTEXT = 'error: context "test" does not exist'
NO_NAMESPACE = 'Error: INSTALLATION FAILED: create: failed to create: namespaces "racing" not found'
OTHER = "Error: INSTALLATION FAILED: the server is currently unable to handle the request"

WRONG_VALUES = (
    "Error: INSTALLATION FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\n"
    "wirerace:\n- (root): Additional property lod is not allowed\n- load.workers: Must be greater than or equal to 1\n"
)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            WRONG_VALUES,
            BadInput,
            ["--values: the chart refuses (root): Additional", "; load.workers: Must"],
        ),
        (FORBIDDEN, BadInput, ["no right in this namespace", "set-context --current --namespace NAME"]),
        (REFUSED, BadInput, ["no cluster answers: The connection", "leave out --on kubernetes"]),
        (NO_CONTEXT, BadInput, ["no cluster answers: error: context", "kubectl config use-context"]),
        (NO_NAMESPACE, BadInput, ['namespaces "racing" not found: make it with kubectl create namespace NAME']),
        (OTHER, TrialFailed, ["helm install: INSTALLATION FAILED: the server"]),
        ("", TrialFailed, ["helm install: it failed"]),
    ],
)
def test_what_a_client_says_becomes_one_line_with_the_cure(said: str, kind: type[Exception], words: list[str]) -> None:
    found = explained("helm install", said)
    assert kind is type(found)
    assert "\n" not in str(found)
    for part in words:
        assert part in str(found)


def test_quantities_of_cores_are_read() -> None:
    assert [0.5, 2.0, 0.25] == [cores_in(one) for one in ("500m", "2", "0.25")]


def pod(*, leaving: bool = False, **main: Any) -> PodState:
    """Return the state of a server's pod, whose second container has restarted seven times."""
    metadata: dict[str, Any] = {
        "name": "p",
        "labels": {"app.kubernetes.io/component": "sse"},
        "annotations": {"wirerace/roll": "3"},
    }
    env = [{"name": "A", "value": "b"}, {"name": "TOKEN", "valueFrom": {"secretKeyRef": {}}}]
    container = {"name": "sse", "resources": {"limits": {"cpu": "150m"}}, "env": env}
    other = {"name": "other", "restartCount": 7, "state": {"running": {}}, "image": "other"}
    status: dict[str, Any] = {"podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}
    status["containerStatuses"] = [other, {"name": "sse", "restartCount": 2, "image": "sse:1", "state": {}} | main]
    spec = {"nodeName": "node", "containers": [{"name": "other"}, container]}
    metadata |= {"deletionTimestamp": "now"} if leaving else {}
    return PodState({"metadata": metadata, "spec": spec, "status": status})


def test_state_of_a_pod_is_that_of_its_component_container() -> None:
    found = pod(state={"running": {}})
    assert ("p", "sse", "3", "node", "10.0.0.1") == (found.name, found.component, found.roll, found.node, found.address)
    assert (2, 0.15, True, True) == (found.restarts, found.cpus, found.runs, found.is_ready)
    assert ["b", "", ""] == [found.variable(name) for name in ("A", "TOKEN", "NONE")]
    assert "" == found.trouble


def test_pod_that_is_being_deleted_is_neither_ready_nor_running() -> None:
    found = pod(leaving=True, state={"running": {}})
    assert (True, False, False) == (found.is_leaving, found.is_ready, found.runs)


def test_pod_that_its_node_has_evicted_counts_as_removed() -> None:
    """Its deployment makes another one, and it stays as Failed."""
    described = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "sse"}]}, "status": {"phase": "Failed"}}
    assert PodState(described).is_leaving


def test_pod_without_a_status_is_not_ready() -> None:
    found = PodState({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "sse"}]}, "status": {}})
    assert (0, False, False, "", "", 0.0) == (
        found.restarts,
        found.is_ready,
        found.runs,
        found.address,
        found.trouble,
        found.cpus,
    )


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_image_that_cannot_be_pulled_is_named_with_the_cure(reason: str) -> None:
    trouble = pod(state={"waiting": {"reason": reason, "message": "not\nthere"}}).trouble
    assert f"the image sse:1 cannot be pulled ({reason}: not there)" in trouble
    assert "--values" in trouble


def test_container_that_cannot_start_is_said_with_the_reason() -> None:
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "token" not found'}
    assert 'CreateContainerConfigError: secret "token" not found' == pod(state={"waiting": waiting}).trouble


def test_pod_that_no_node_can_take_is_said_with_the_cure() -> None:
    said = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    found = PodState(
        {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "sse"}]}, "status": {"conditions": [condition]}}
    )
    assert (
        f"no node can take it ({said}): ask for less in --values (or in servers.cpus), or free a node" == found.trouble
    )


def event(kind: str, name: str, *, indent: int | None = None) -> list[str]:
    """Return an event of a watch as kubectl prints it, in lines."""
    described = {"metadata": {"name": name}, "spec": {"containers": [{"name": "sse"}]}, "status": {}}
    return (json.dumps({"type": kind, "object": described}, indent=indent) + "\n").splitlines(keepends=True)


def names(seen: PodsSeen, at: float) -> set[str]:
    return set(seen.all(at))


@pytest.mark.parametrize("indent", [None, 4], ids=["one line", "many lines"])
def test_watch_keeps_the_pods_that_are_there(indent: int | None) -> None:
    seen = PodsSeen()
    seen.begin(0.0)
    lines = [*event("ADDED", "a", indent=indent), *event("ADDED", "b", indent=indent), *event("MODIFIED", "b")]
    lines += event("DELETED", "a", indent=indent)
    assert all(seen.note(line, 0.1) for line in lines)
    assert {"b"} == names(seen, 0.2)


def test_next_watch_does_not_lose_pods_that_it_has_not_told_yet() -> None:
    """Otherwise a pod whose turn has not come would count as removed, and its trial would fail."""
    seen = PodsSeen()
    seen.begin(0.0)
    for name in "abc":
        seen.note(event("ADDED", name)[0], 0.0)
    seen.begin(5.0)
    assert {"a", "b", "c"} == names(seen, 8.0)
    seen.note(event("ADDED", "b")[0], 8.0)
    assert {"a", "b", "c"} == names(seen, 8.5)
    seen.note(event("ADDED", "c")[0], 8.6)
    seen.note(event("DELETED", "c")[0], 8.7)
    assert {"a", "b"} == names(seen, 8.8)
    assert {"b"} == names(seen, 9.1), "it has told all, and a is not among them"


def test_watch_that_has_told_nothing_yet_keeps_the_pods() -> None:
    """kubectl may take half a minute to connect."""
    seen = PodsSeen()
    seen.begin(0.0)
    seen.note(event("ADDED", "a")[0], 0.0)
    seen.begin(5.0)
    assert {"a"} == names(seen, 60.0)


def test_watch_ends_with_an_error_and_keeps_the_pods() -> None:
    seen = PodsSeen()
    seen.begin(0.0)
    seen.note(event("ADDED", "a")[0], 0.0)
    status = {"kind": "Status", "code": 410, "message": "too old resource version", "metadata": {}}
    assert not seen.note(json.dumps({"type": "ERROR", "object": status}) + "\n", 1.0)
    assert {"a"} == names(seen, 2.0)


@pytest.mark.parametrize(
    ("spelled", "cores"), [("500m", 0.5), ("2", 2.0), ("333333u", 0.333333), ("5n", 5e-9), ("1k", 1000.0), ("0", 0.0)]
)
def test_cores_are_read_in_every_spelling_of_kubernetes(spelled: str, cores: float) -> None:
    assert cores_in(spelled) == pytest.approx(cores)


@pytest.mark.parametrize(
    ("state", "last", "ends"),
    [
        ({"running": {}}, {}, 1),
        ({"terminated": {}}, {}, 2),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, {"terminated": {}}, 2),
        ({"waiting": {"reason": "ContainerCreating"}}, {}, 1),
    ],
)
def test_container_has_ended_before_it_is_started_again(
    state: dict[str, object], last: dict[str, object], ends: int
) -> None:
    status = {"name": "sse", "restartCount": 1, "state": state, "lastState": last}
    found = PodState(
        {
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "sse"}]},
            "status": {"containerStatuses": [status]},
        }
    )

    assert ends == found.ends


@pytest.mark.parametrize(
    "said", ["exceeded quota: secrets", 'pods "p" is forbidden: violates PodSecurity "restricted"']
)
def test_quota_or_policy_is_no_missing_right(said: str) -> None:
    assert "a quota or a policy of the namespace refuses it" in str(explained("helm install", f"Error: {said}"))
