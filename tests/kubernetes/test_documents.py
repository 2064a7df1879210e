"""docs/kubernetes.md: every value, and what its scrape configuration makes of the pods."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.kubernetes.chart import CHART, ROOT, documents_in, leaves, quantity, rendered

pytestmark = pytest.mark.kubernetes

PAGE = (ROOT / "docs/kubernetes.md").read_text()
META = "__meta_kubernetes_pod_"
Target = dict[str, str]


def targets() -> Iterator[Target]:
    """Yield what Prometheus finds: a target for each port of each container, with its meta labels."""
    for component, pod in rendered("everything").pods().items():
        labels, marks = (pod["metadata"].get(kind, {}) for kind in ("labels", "annotations"))
        found = {f"{META}label_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}": value for key, value in labels.items()}
        found |= {f"{META}annotation_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}": value for key, value in marks.items()}
        for container in pod["spec"]["containers"]:
            for port in container["ports"]:
                number = str(port["containerPort"])
                yield found | {
                    "job": "wirerace",
                    "__address__": f"10.0.0.1:{number}",
                    f"{META}container_port_number": number,
                    f"{META}name": f"r-{component}-1",
                }


def relabelled(target: Target, rules: list[dict[str, Any]]) -> Target | None:
    """Return a target after the rules, None for one that is dropped, as Prometheus's reference defines it."""
    for rule in rules:
        value = ";".join(target.get(name, "") for name in rule["source_labels"])
        match = re.fullmatch(rule.get("regex", "(.*)"), value)
        action = rule.get("action", "replace")
        assert action in {"keep", "drop", "keepequal", "replace"}
        if action == "keepequal":
            if value != target.get(rule["target_label"], ""):
                return None
        elif action != "replace":
            if (match is not None) != (action == "keep"):
                return None
        elif match is not None:
            made = rule["replacement"] if "replacement" in rule else match[1]
            target = {**target, rule["target_label"]: made}
    return target


def test_scrape_configuration_makes_the_labels_of_the_stack() -> None:
    (block,) = (text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "scrape_configs" in text)
    (config,) = documents_in(block)[0]["scrape_configs"]
    found = [one for target in targets() if (one := relabelled(target, config["relabel_configs"])) is not None]

    stack = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    wanted = {
        (one["labels"]["transport"], "server", one["targets"][0].split(":")[1]) for one in stack[1]["static_configs"]
    }
    wanted |= {("", "producer", "8000"), ("", "load", "9646")}
    assert wanted == {(one.get("transport", ""), one["job"], one["__address__"].split(":")[1]) for one in found}
    assert len(wanted) == len(found)
    assert "r-locust-worker-1" in {one["instance"] for one in found}


def test_every_value_is_documented() -> None:
    documented = set(re.findall(r"`([a-zA-Z.]+)`", PAGE))
    values = {place for place, _ in leaves(documents_in((CHART / "values.yaml").read_text())[0])}

    known = {place for place in values if any(f"{place}.".startswith(f"{name}.") for name in documented)}
    assert set() == values - known


def test_requests_are_what_the_page_says() -> None:
    limits = [
        container["resources"]["limits"]
        for pod in rendered("defaults").pods().values()
        for container in pod["spec"]["containers"]
    ]
    cores, memory = (sum(quantity(one[kind]) for one in limits) for kind in ("cpu", "memory"))

    assert f"request {cores:g} cores and {memory / 2**30:.1f} GiB" in PAGE
    assert f"{cores - 1:g} of the cores on one node" in PAGE, "all but the worker's"


def test_page_has_every_pair_of_the_policies() -> None:
    """By their numbers: the table is for people."""
    table = PAGE.partition("## Network policies")[2].partition("## Prometheus")[0]
    policies = rendered("everything").of("NetworkPolicy").values()
    rules = [rule for one in policies for rule in one["spec"].get("ingress", [])]
    ports = {port.get("port") for rule in rules for port in rule["ports"]} - {None, *range(8001, 8006), 9646}

    assert set() == {str(port) for port in ports} - set(re.findall(r"\d+", table))
