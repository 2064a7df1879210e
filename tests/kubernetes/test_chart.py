"""The chart: Helm accepts it, Kubernetes would accept what it makes, and wrong values are refused by their names."""

import json
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from services.schedules import ProducerOptions
from tests.kubernetes.chart import (
    CERTIFICATE,
    CHART,
    EVERYTHING,
    OLDEST,
    ROOT,
    SETS,
    Manifests,
    documents_in,
    helm,
    leaves,
    rendered,
)
from wirerace import __version__

pytestmark = pytest.mark.kubernetes

LINKED = {
    "dashboards": "grafana/dashboards",
    "prometheus": "prometheus",
    "broker": "broker",
}
"""Folders of the chart that are links, and where they lead."""
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name that there is not": ({"colour": "red"}, "colour"),
    "a name that there is not, below": ({"servers": {"cpus": 1}}, "servers: Additional property cpus"),
    "no workers": ({"load": {"workers": 0}}, "load.workers"),
    "less than no server": ({"servers": {"replicas": -1}}, "servers.replicas"),
    "a half worker": ({"load": {"workers": 1.5}}, "load.workers"),
    "a rate in words": ({"producer": {"ratePerSecond": "fast"}}, "producer.ratePerSecond"),
    "arrivals that there are not": ({"producer": {"arrivals": "random"}}, "producer.arrivals"),
    "a trace": ({"producer": {"arrivals": "trace"}}, "producer.arrivals"),
    "a payload that is too large": ({"producer": {"payloadBytes": 2**20 + 1}}, "producer.payloadBytes"),
    "no channel": ({"producer": {"channels": 0}}, "producer.channels"),
    "a limit in words": ({"servers": {"resources": {"limits": {"cpu": "one"}}}}, "servers.resources.limits.cpu"),
    "a transport that there is not": ({"transports": ["smoke"]}, "transports: smoke is none of"),
    "a transport twice": ({"transports": ["sse", "sse"]}, "transports"),
    "a feed that there is not": ({"feedUrl": "ftp://r-producer"}, "feedUrl"),
    "a file's name instead of a certificate": ({"tls": {"chain": "chain.pem", "key": CERTIFICATE["key"]}}, "tls.chain"),
    "a certificate without a key": ({"tls": {"chain": CERTIFICATE["chain"]}}, "tls.chain and tls.key"),
    "a peer that says nothing": ({"networkPolicy": {"dns": [{}]}}, "networkPolicy.dns"),
    "a label that is a number": ({"dashboards": {"labels": {"grafana_dashboard": 1}}}, "grafana_dashboard"),
    "an image that is none": ({"images": {"load": "two words"}}, "images.load"),
    "a token that is a number": ({"controlToken": 12345}, "controlToken"),
}


@pytest.fixture(scope="module")
def schemas() -> Any:
    """Return the schemas of Kubernetes, or skip where they are missing."""
    reason = "kubernetes-validate is not installed: make test-kubernetes does that"
    return pytest.importorskip("kubernetes_validate", reason=reason)


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_helm_finds_nothing_to_blame(values: dict[str, Any]) -> None:
    done = helm("lint", "--strict", str(CHART), values=values)

    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("version", [OLDEST, "newest"])
def test_every_object_is_valid(schemas: Any, version: str) -> None:
    wanted = schemas.latest_version() if version == "newest" else version
    different = {json.dumps(one, sort_keys=True) for name in SETS for one in rendered(name).documents}
    for text in sorted(different):
        said = schemas.validate(json.loads(text), wanted, strict=True)
        assert wanted.startswith(said), text


@pytest.mark.parametrize("name", SETS)
def test_every_object_has_a_name_of_its_own_and_the_labels(name: str) -> None:
    manifests = rendered(name)
    assert len(manifests.documents) == len({(one["kind"], one["metadata"]["name"]) for one in manifests.documents})
    for one in manifests.documents:
        labels = one["metadata"]["labels"]
        component = labels["app.kubernetes.io/component"]
        assert f"r-{component}" == one["metadata"]["name"]
        assert ("wirerace", "r") == (labels["app.kubernetes.io/name"], labels["app.kubernetes.io/instance"])
        assert "namespace" not in one["metadata"]


@pytest.mark.parametrize(("values", "said"), WRONG.values(), ids=WRONG)
def test_wrong_value_is_refused_by_its_name(values: dict[str, Any], said: str) -> None:
    done = helm("template", "r", str(CHART), values=values)

    assert 0 != done.returncode
    assert said in done.stderr


@pytest.mark.parametrize("release", ["with.dots", "1st", "a" * 50])
def test_release_whose_name_no_host_can_have_is_refused(release: str) -> None:
    done = helm("template", release, str(CHART))

    assert 0 != done.returncode
    assert (
        f"the release's name must be 1 to 49 small letters, digits and -, and begin with a letter: {release}"
        in done.stderr
    )


def test_release_may_have_a_name_that_yaml_takes_for_something_else() -> None:
    """Its name is a label, and labels are texts."""
    done = helm("template", "true", str(CHART))

    for one in documents_in(done.stdout):
        assert "true" == one["metadata"]["labels"]["app.kubernetes.io/instance"]


def test_kubernetes_that_is_too_old_is_refused() -> None:
    done = helm("template", "r", str(CHART), "--kube-version", "1.26")

    assert 0 != done.returncode
    assert f">={OLDEST}" in done.stderr


def test_schema_knows_every_value_and_no_other() -> None:
    def keys_in(schema: dict[str, Any], place: str = "") -> set[str]:
        found = set()
        for key, inner in schema.get("properties", {}).items():
            found |= {f"{place}{key}"} | keys_in(inner, f"{place}{key}.")
        return found

    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    known = keys_in(schema) - {"global"}
    said = {place for place, _ in leaves(values)}

    assert [] == [key for key in known if not any(f"{place}.".startswith(f"{key}.") for place in said)]
    assert [] == [place for place in said if not any(f"{place}.".startswith(f"{key}.") for key in known)]


def test_limits_of_the_updates_are_the_producers() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["producer"]["properties"]
    producer = msgspec.json.schema(ProducerOptions)["$defs"]["ProducerOptions"]["properties"]

    for key, option in (
        ("ratePerSecond", "rate_per_second"),
        ("payloadBytes", "payload_bytes"),
        ("channels", "channels"),
    ):
        ours, theirs = ((one["minimum"], one["maximum"]) for one in (schema[key], producer[option]))
        assert ours == theirs, key
    assert {*schema["arrivals"]["enum"], "trace"} == set(producer["arrivals"]["enum"])


def test_version_is_that_of_the_project() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (__version__, __version__) == (about["version"], about["appVersion"])


@pytest.mark.parametrize("folder", LINKED)
def test_what_the_stack_has_is_linked_and_not_copied(folder: str) -> None:
    assert ROOT / LINKED[folder] == (CHART / folder).resolve()
    assert (CHART / folder).is_symlink()


def test_config_maps_hold_the_files_of_the_stack() -> None:
    maps = rendered("everything").of("ConfigMap")
    dashboards = {path.name: path.read_text() for path in (ROOT / "grafana/dashboards").iterdir()}
    rules = {name: (ROOT / "prometheus" / name).read_text() for name in ("rules.yml", "belief.yml")}

    assert {"dashboards", "rules", "nats"} == maps.keys()
    assert dashboards == maps["dashboards"]["data"]
    assert rules == maps["rules"]["data"]
    assert {"nats.conf": (ROOT / "broker/nats.conf").read_text()} == maps["nats"]["data"]
    assert "1" == maps["dashboards"]["metadata"]["labels"]["grafana_dashboard"]
    assert "grafana_dashboard" not in maps["rules"]["metadata"]["labels"]
    assert {} == rendered("nobody scrapes").of("ConfigMap")


def test_package_has_the_files_of_the_stack_and_makes_the_same(tmp_path: Path) -> None:
    done = helm("package", str(CHART), "--destination", str(tmp_path))
    assert 0 == done.returncode, done.stderr
    (package,) = tmp_path.iterdir()
    with tarfile.open(package) as archive:
        names = {name.removeprefix("wirerace/") for name in archive.getnames()}

    linked = {f"{folder}/{path.name}" for folder, of in LINKED.items() for path in (ROOT / of).iterdir()}
    assert linked - {"prometheus/rules_test.yml"} <= names
    assert "prometheus/rules_test.yml" not in names
    assert rendered("everything").documents == Manifests(EVERYTHING, package).documents
