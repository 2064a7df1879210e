"""Network policies, by their meaning: which pod may send to which, at which port, as the API's reference defines it."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

import pytest

from tests.kubernetes.chart import LOAD, PATH, SERVERS, rendered
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.kubernetes

Labels = Mapping[str, str]


class NetworkPod(NamedTuple):
    """A pod as a policy sees it. `name` is for people."""

    name: str
    labels: Labels
    namespace: Labels


class Port(NamedTuple):
    """A port that a pod sends to."""

    protocol: str
    number: int


HOME = {"kubernetes.io/metadata.name": "home"}
DNS = NetworkPod("dns", {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"})
PROMETHEUS = NetworkPod("prometheus", {"app": "prometheus"}, {"kubernetes.io/metadata.name": "monitoring"})
OUTSIDE = (
    DNS,
    PROMETHEUS,
    NetworkPod("neighbour", {"app": "other"}, HOME),
    NetworkPod("stranger", {"app": "other"}, {"kubernetes.io/metadata.name": "elsewhere"}),
    NetworkPod("like dns", {"k8s-app": "kube-dns"}, HOME),
)
PAIRS = {
    **{(name, "producer"): {Port("TCP", 8000)} for name in (*SERVERS, "replica")},
    ("locust", "producer"): {Port("TCP", 8000), Port("UDP", 5558)},
    ("locust-worker", "producer"): {Port("UDP", 5558)},
    **{
        (name, server): {Port("TCP", TRANSPORTS[server].port), Port("TCP", 8443)}
        for name in ("locust-worker", "link", "reverse-proxy")
        for server in SERVERS
    },
    ("reverse-proxy", "replica"): {Port("TCP", 8020)},
    ("locust-worker", "reverse-proxy"): {Port("TCP", 8010)},
    ("link", "reverse-proxy"): {Port("TCP", 8010)},
    ("locust-worker", "link"): {Port("TCP", 8011)},
    ("locust-worker", "locust"): {Port("TCP", 5557)},
    **{(name, "nats"): {Port("TCP", 4222)} for name in ("producer", *SERVERS, "replica")},
}
"""What each part needs; workers compare their clocks at any port of UDP."""
SCRAPED = {"producer": 8000, **{name: one.port for name, one in TRANSPORTS.items()}} | dict.fromkeys(LOAD, 9646)
NUMBERS = {8000, *(one.port for one in TRANSPORTS.values()), 8443, 8089, 9646, 5557, 5558, 8010, 8011, 8012, 8020, 4222}
PORTS = [Port(protocol, number) for protocol in ("TCP", "UDP") for number in sorted(NUMBERS | {53, 443, 40_000})]
"""All ports that any part has, and some that none has."""


def selects(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Return whether a label selector matches. An empty one matches all."""
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    expressions = selector.get("matchExpressions", [])
    assert {"In"} >= {one["operator"] for one in expressions}
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )


def is_peer(peer: Mapping[str, Any], other: NetworkPod) -> bool:
    """Return whether a peer of a policy in the namespace HOME means a pod."""
    assert {"podSelector", "namespaceSelector"} >= peer.keys()
    in_namespace = (
        selects(peer["namespaceSelector"], other.namespace) if "namespaceSelector" in peer else other.namespace == HOME
    )
    return in_namespace and selects(peer.get("podSelector", {}), other.labels)


def permits(rule: Mapping[str, Any], side: str, other: NetworkPod, port: Port) -> bool:
    """Return whether a rule lets traffic pass. Without peers it means everybody, without ports all of them."""
    peers, ports = rule.get(side, []), rule.get("ports", [])
    return (not peers or any(is_peer(one, other) for one in peers)) and (
        not ports or any((one["protocol"], one.get("port", port.number)) == port for one in ports)
    )


class Cluster:
    """The pods of a rendered chart, and its policies."""

    def __init__(self, name: str) -> None:
        manifests = rendered(name)
        self.pods = {name: NetworkPod(name, pod["metadata"]["labels"], HOME) for name, pod in manifests.pods().items()}
        self._policies = [one["spec"] for one in manifests.of("NetworkPolicy").values()]

    def allows(self, direction: str, pod: NetworkPod, other: NetworkPod, port: Port) -> bool:
        """Return whether a pod may receive (Ingress) or send (Egress). A pod without a policy for that may."""
        mine = [
            one for one in self._policies if direction in one["policyTypes"] and selects(one["podSelector"], pod.labels)
        ]
        side = "from" if direction == "Ingress" else "to"
        rules = [rule for one in mine for rule in one.get(direction.lower(), [])]
        return not mine or any(permits(rule, side, other, port) for rule in rules)


def needed(sender: str, receiver: str, port: Port) -> bool:
    if (sender, receiver, port.protocol) == ("locust-worker", "locust-worker", "UDP"):
        return True
    return port in PAIRS.get((sender, receiver), ())


def between(cluster: Cluster) -> Iterator[tuple[NetworkPod, NetworkPod, Port]]:
    return product(cluster.pods.values(), cluster.pods.values(), PORTS)


@pytest.mark.parametrize("name", ["defaults", "everything", "two transports", "a broker", "nobody scrapes"])
@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_parts_reach_what_they_need_and_nothing_else(name: str, direction: str) -> None:
    cluster = Cluster(name)
    for sender, receiver, port in between(cluster):
        pod, other = (receiver, sender) if direction == "Ingress" else (sender, receiver)
        wanted = needed(sender.name, receiver.name, port)
        assert wanted == cluster.allows(direction, pod, other, port), (sender.name, receiver.name, port)


@pytest.mark.parametrize("name", ["everything", "nobody scrapes"])
def test_nothing_leaves_but_questions_for_names(name: str) -> None:
    cluster = Cluster(name)
    for pod, other, port in product(cluster.pods.values(), OUTSIDE, PORTS):
        is_question = other is DNS and port.number == 53 and name == "everything"
        assert is_question == cluster.allows("Egress", pod, other, port), (pod.name, other.name, port)


@pytest.mark.parametrize("name", ["everything", "nobody scrapes"])
def test_nothing_enters_but_scrapes(name: str) -> None:
    cluster = Cluster(name)
    for pod, other, port in product(cluster.pods.values(), OUTSIDE, PORTS):
        is_scrape = other is PROMETHEUS and port == ("TCP", SCRAPED.get(pod.name)) and name == "everything"
        assert is_scrape == cluster.allows("Ingress", pod, other, port), (pod.name, other.name, port)


def test_another_release_of_the_same_namespace_is_a_stranger() -> None:
    cluster = Cluster("everything")
    for sender, receiver, port in between(cluster):
        other = sender._replace(labels={**sender.labels, "app.kubernetes.io/instance": "another"})
        assert not cluster.allows("Ingress", receiver, other, port), (sender.name, receiver.name, port)
        if port.number != 53:
            assert not cluster.allows("Egress", receiver, other, port), (sender.name, receiver.name, port)


def test_every_pod_has_a_policy_and_every_policy_a_pod() -> None:
    manifests = rendered("everything")

    assert {"all", *manifests.pods()} == manifests.of("NetworkPolicy").keys()
    for name, one in manifests.of("NetworkPolicy").items():
        chosen = {
            component
            for component, pod in manifests.pods().items()
            if selects(one["spec"]["podSelector"], pod["metadata"]["labels"])
        }
        assert (set(manifests.pods()) if name == "all" else {name}) == chosen
        assert ["Ingress", "Egress"] == one["spec"]["policyTypes"]
    assert {*PATH} <= manifests.of("NetworkPolicy").keys()


def test_without_policies_there_are_none() -> None:
    assert {} == rendered("no policies").of("NetworkPolicy")
