"""The pods: hardened, on the right nodes, found by their own Deployment and by Prometheus."""

import shlex
from typing import Any

import pytest

from tests.kubernetes.chart import LOAD, PATH, SERVERS, SETS, Manifests, containers_of, rendered
from wirerace.transports import PRODUCER_PORT, TRANSPORTS

pytestmark = pytest.mark.kubernetes

SCRAPED = {"producer": PRODUCER_PORT, **{name: one.port for name, one in TRANSPORTS.items()}} | dict.fromkeys(
    LOAD, 9646
)
"""Where /metrics is."""
SIGNALLED = ("producer", *SERVERS, "nats", *PATH)
"""Faults are signals to them."""
BESIDE_PRODUCER = ("locust", *SERVERS, "replica", "nats")
NEAR, APART = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"


def producers_terms(pod: dict[str, Any], kind: str, when: str) -> list[dict[str, Any]]:
    """Return the terms of a pod's affinity that name the producer's node."""
    terms = pod["spec"].get("affinity", {}).get(kind, {}).get(when, [])
    terms = [one.get("podAffinityTerm", one) for one in terms]
    of_producer = {
        "app.kubernetes.io/name": "wirerace",
        "app.kubernetes.io/instance": "r",
        "app.kubernetes.io/component": "producer",
    }
    return [
        one
        for one in terms
        if one["labelSelector"] == {"matchLabels": of_producer} and one["topologyKey"] == "kubernetes.io/hostname"
    ]


@pytest.mark.parametrize("name", SETS)
def test_every_container_is_hardened(name: str) -> None:
    for component, pod in rendered(name).pods().items():
        spec = pod["spec"]
        context = spec["securityContext"]
        assert (True, 10001, 10001) == (context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"]), component
        assert {"type": "RuntimeDefault"} == context["seccompProfile"]
        assert (False, False) == (spec["automountServiceAccountToken"], spec["enableServiceLinks"])
        assert 10 == spec["terminationGracePeriodSeconds"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert (component in SIGNALLED) == spec.get("shareProcessNamespace", False), component
        for container in containers_of(pod):
            assert {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            } == container["securityContext"]
            resources = container["resources"]
            assert {"cpu", "memory"} == resources["limits"].keys()
            assert resources["limits"] == resources.get("requests", resources["limits"]), "the pod is Guaranteed"


@pytest.mark.parametrize("name", SETS)
def test_part_that_is_made_again_does_not_meet_the_old_one(name: str) -> None:
    for component, one in rendered(name).of("Deployment").items():
        spec = one["spec"]
        assert ({"type": "Recreate"}, 0) == (spec["strategy"], spec["revisionHistoryLimit"])
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
        assert component == spec["template"]["metadata"]["labels"]["app.kubernetes.io/component"]
        counts = {"locust-worker": SETS[name].get("load", {}).get("workers", 1)} | dict.fromkeys(PATH, 0)
        counts |= dict.fromkeys(SERVERS, SETS[name].get("servers", {}).get("replicas", 1))
        assert counts.get(component, 1) == spec.get("replicas", 1), component


def test_clock_of_the_producers_node_answers_from_the_image_of_a_path() -> None:
    manifests = rendered("everything")
    producer, clock = manifests.pods()["producer"]["spec"]["containers"]

    assert ("producer", "clock") == (producer["name"], clock["name"])
    assert manifests.container("link")["image"] == clock["image"]
    assert shlex.split("/opt/venv/bin/python -m wirerace.runner.clocks 0.0.0.0 5558") == clock["command"]
    assert [{"name": "clock", "containerPort": 5558, "protocol": "UDP"}] == clock["ports"]
    assert "args" not in clock


@pytest.mark.parametrize("name", ["everything", "places", "servers anywhere"])
def test_what_reads_the_producers_clock_runs_on_its_node(name: str) -> None:
    for component, pod in rendered(name).pods().items():
        is_beside = component in BESIDE_PRODUCER and (name != "servers anywhere" or component == "locust")
        assert is_beside == bool(producers_terms(pod, "podAffinity", NEAR)), component
        is_apart = component == "locust-worker" and name != "servers anywhere"
        assert is_apart == bool(producers_terms(pod, "podAntiAffinity", APART)), component


def test_every_pod_runs_where_the_values_say() -> None:
    for component, pod in rendered("places").pods().items():
        spec = pod["spec"]
        assert {"disk": "fast"} == spec["nodeSelector"], component
        assert "measured" == spec["tolerations"][0]["key"]
        assert {"app": "near"} == spec["affinity"]["podAffinity"][NEAR][0]["labelSelector"]["matchLabels"]


@pytest.mark.parametrize("name", ["everything", "nobody scrapes"])
def test_pods_with_metrics_say_where_they_are(name: str) -> None:
    for component, pod in rendered(name).pods().items():
        found = pod["metadata"].get("annotations", {})
        marks = {key: value for key, value in found.items() if key.startswith("prometheus.io/")}
        wanted = {"scrape": "true", "port": str(SCRAPED.get(component)), "path": "/metrics"}
        is_scraped = component in SCRAPED and name == "everything"
        assert ({f"prometheus.io/{key}": value for key, value in wanted.items()} if is_scraped else {}) == marks


def test_change_of_a_secret_starts_its_readers_again() -> None:
    before, after = (Manifests({"controlToken": token}).pods() for token in ("one", "two"))

    changed = {name for name in before if before[name] != after[name]}
    assert {"producer", *LOAD} <= changed
