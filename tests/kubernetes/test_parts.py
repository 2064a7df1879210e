"""The parts: those of docker-compose.yml, with its commands, variables, ports, limits and images."""

from typing import Any

import pytest

from tests.kubernetes.chart import (
    LOAD,
    PATH,
    ROOT,
    SERVERS,
    Manifests,
    compose,
    on_cluster,
    quantity,
    rendered,
)
from wirerace.runner.network.contained import DIRECTORY
from wirerace.runner.targets.contained import (
    CERTIFICATES,
    LINK_CONTROL_PORT,
    LINK_PORT,
    REPLICA_PORT,
    REVERSE_PORT,
    SERVER_TLS_PORT,
)
from wirerace.transports import PRODUCER_PORT, TRANSPORTS

pytestmark = pytest.mark.kubernetes

COMPONENTS = ("producer", *SERVERS, *LOAD, "nats", *PATH)
PORTS = {
    "producer": {PRODUCER_PORT},
    **{name: {one.port, SERVER_TLS_PORT} for name, one in TRANSPORTS.items()},
    "locust": {8089, 9646, 5557},
    "locust-worker": {9646},
    "nats": {4222},
    "reverse-proxy": {REVERSE_PORT},
    "link": {LINK_PORT, LINK_CONTROL_PORT},
    "replica": {REPLICA_PORT, SERVER_TLS_PORT},
}
WATCH = "http://127.0.0.1:8090,http://localhost:8090"
"""The live page's origins, which docker-compose.yml allows: the chart has no live page."""


def variables_of(service: dict[str, Any]) -> dict[str, str]:
    """Return the variables of a part of the stack, with the chart's hosts."""
    found = {name: on_cluster(str(value)) for name, value in service.get("environment", {}).items()}
    return {name: value.removeprefix(WATCH).strip(",") for name, value in found.items()}


def in_order(variables: dict[str, str]) -> dict[str, Any]:
    """Return variables with lists in one order: which of several hosts stands first means nothing."""
    return {name: sorted(one.strip() for one in value.split(",")) for name, value in variables.items()}


def mounts_of(service: dict[str, Any]) -> set[str]:
    return {one.split(":")[1] for one in service.get("volumes", [])} | {
        one.split(":")[0] for one in service.get("tmpfs", [])
    }


def test_parts_are_those_of_the_stack() -> None:
    """Except for the live page, the demo, Prometheus and Grafana."""
    others = {"watch", "demo", "prometheus", "grafana"}

    assert set(COMPONENTS) == compose()["services"].keys() - others
    assert set(COMPONENTS) == rendered("everything").pods().keys()
    assert set(COMPONENTS) - {"nats", *PATH} == rendered("defaults").pods().keys()
    assert {"producer", "websocket", "polling", *LOAD, *PATH} == rendered("two transports").pods().keys()


@pytest.mark.parametrize("component", COMPONENTS)
def test_part_has_the_command_of_the_stack(component: str) -> None:
    container, service = rendered("everything").container(component), compose()["services"][component]

    assert "command" not in container, "its image knows the program"
    command = " ".join(service.get("command", [])).replace("--master-host locust", "--master-host r-locust")
    assert command == " ".join(container.get("args", []))


@pytest.mark.parametrize("component", COMPONENTS)
def test_part_has_the_variables_of_the_stack(component: str) -> None:
    service = compose({"CONTROL_TOKEN": "secret", "BROKER_URL": "nats://nats:4222", "FEED_URL": "nats://nats:4222"})[
        "services"
    ]

    assert in_order(variables_of(service[component])) == in_order(rendered("everything").environment(component))


def test_settings_of_the_stack_are_values() -> None:
    settings = {
        "RATE_PER_SECOND": "0.5", "ARRIVALS": "bursty", "PAYLOAD_BYTES": "1000000", "CHANNELS": "10000",
        "ALLOWED_ORIGINS": "http://a.example,http://b.example",
    }  # fmt: skip
    producer = {"ratePerSecond": 0.5, "arrivals": "bursty", "payloadBytes": 1_000_000, "channels": 10_000}
    values = {"producer": producer, "allowedOrigins": settings["ALLOWED_ORIGINS"], "path": {"enabled": True}}
    manifests, services = Manifests(values), compose(settings)["services"]
    for component in manifests.pods():
        assert in_order(variables_of(services[component])) == in_order(manifests.environment(component)), component


def test_feed_is_by_the_broker_where_there_is_one_and_else_as_a_value_says() -> None:
    def urls(name: str) -> tuple[str, str]:
        manifests = rendered(name)
        return (
            manifests.environment("producer")["WIRERACE_BROKER_URL"],
            manifests.environment("sse")["WIRERACE_PRODUCER_URL"],
        )

    assert ("", "http://r-producer:8000") == urls("defaults")
    assert ("nats://r-nats:4222", "nats://r-nats:4222") == urls("a broker")
    assert ("nats://r-nats:4222", "http://r-producer:8000") == urls("a broker beside HTTP")


@pytest.mark.parametrize("component", COMPONENTS)
def test_part_has_the_ports_of_the_stack(component: str) -> None:
    manifests, service = rendered("everything"), compose()["services"][component]
    published = {int(one.rsplit(":", 1)[1]) for one in service.get("ports", [])}
    ports = {one["containerPort"] for one in manifests.container(component)["ports"]}

    assert PORTS[component] == ports
    assert published <= ports
    services = manifests.of("Service")
    assert (component not in {"locust-worker", "replica"}) == (component in services)
    if component in services:
        spec = services[component]["spec"]
        offered = {(one.get("protocol", "TCP"), one["port"]) for one in spec["ports"]}
        assert {("TCP", port) for port in ports} == offered - {("UDP", 5558)}
        assert manifests.pods()[component]["metadata"]["labels"] == spec["selector"]
        assert spec["publishNotReadyAddresses"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_part_is_looked_at_while_it_starts_and_never_again(component: str) -> None:
    container, service = rendered("everything").container(component), compose()["services"][component]
    assert not {"livenessProbe", "readinessProbe"} & container.keys()
    if component == "link":
        assert "startupProbe" not in container
        return
    probe = container["startupProbe"]
    assert (1, 60) == (probe["periodSeconds"], probe["failureThreshold"])
    checked = service.get("healthcheck", {}).get("test")
    if checked is None:
        (port,) = PORTS[component]
        assert {"port": port} == probe["tcpSocket"]
    else:
        assert {"path": "/health", "port": int(checked[-1])} == probe["httpGet"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_part_has_the_limits_of_the_stack(component: str) -> None:
    service = compose()["services"][component]
    limits = rendered("everything").container(component)["resources"]["limits"]

    assert float(service["cpus"]) == quantity(limits["cpu"])
    assert service["mem_limit"] == service["memswap_limit"]
    assert quantity(service["mem_limit"].replace("m", "Mi")) == quantity(limits["memory"])


@pytest.mark.parametrize("component", COMPONENTS)
def test_part_may_write_where_it_may_in_the_stack(component: str) -> None:
    manifests, service = rendered("everything"), compose()["services"][component]
    volumes = {one["name"]: one for one in manifests.pods()[component]["spec"].get("volumes", [])}
    mounts = {one["mountPath"]: one for one in manifests.container(component).get("volumeMounts", [])}

    assert mounts_of(service) == mounts.keys()
    assert {one["name"] for one in mounts.values()} == volumes.keys()
    for text in service.get("tmpfs", []):
        place, options = text.split(":")
        made = volumes[mounts[place]["name"]]["emptyDir"]
        assert "Memory" == made["medium"]
        assert quantity(options.split(",")[0].removeprefix("size=").replace("m", "Mi")) == quantity(made["sizeLimit"])
    for place, mount in mounts.items():
        kind = volumes[mount["name"]]
        assert ("emptyDir" in kind) != mount.get("readOnly", False), place
        assert "emptyDir" not in kind or "sizeLimit" in kind["emptyDir"], place


def test_places_are_those_that_the_programs_use() -> None:
    for component in ("reverse-proxy", "link"):
        assert [str(DIRECTORY)] == [one["mountPath"] for one in rendered("a path").container(component)["volumeMounts"]]
    for component in (*SERVERS, "replica"):
        assert [CERTIFICATES] == [one["mountPath"] for one in rendered("a path").container(component)["volumeMounts"]]


def test_certificate_is_a_secret_that_servers_read_and_replicas_do() -> None:
    manifests = rendered("everything")
    assert {"chain.pem", "chain.pem.key"} == manifests.of("Secret")["tls"]["stringData"].keys()
    assert "tls" not in rendered("defaults").of("Secret")
    for component in (*SERVERS, "replica"):
        spec = manifests.pods()[component]["spec"]
        assert {"secretName": "r-tls", "defaultMode": 0o440, "optional": True} == spec["volumes"][0]["secret"]
        assert 10001 == spec["securityContext"]["fsGroup"]


def test_user_is_that_of_the_images() -> None:
    for file in ("services/Dockerfile", "loadtests/Dockerfile", "wirerace/runner/network/Dockerfile"):
        assert "\nUSER 10001:10001\n" in (ROOT / file).read_text()
    assert "10001:10001" == compose()["services"]["nats"]["user"]


def test_images_are_those_of_the_stack() -> None:
    services, manifests = compose()["services"], rendered("everything")
    for component in set(COMPONENTS) - {"nats"}:
        assert f"{services[component]['image']}:latest" == manifests.container(component)["image"]
    assert f"{services['nats']['image']}-alpine" == manifests.container("nats")["image"]
    for component in ("producer", "sse"):
        assert "example.org:5000/team/services:1" == rendered("a registry").container(component)["image"]
    for pod in rendered("a registry").pods().values():
        assert [{"name": "registry"}] == pod["spec"]["imagePullSecrets"]
