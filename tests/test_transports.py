"""A transport is four files with one name, and entries in others: docs/adding_a_transport.md."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grafana.build import DASHBOARDS
from services.__main__ import SERVICES, service_of
from tests.contract import clients
from tests.liar import liar
from wirerace.checking.clients import client_module
from wirerace.theory import find_theory
from wirerace.transports import PRODUCER_PORT, TRANSPORTS
from wirerace.transports.transport import Transport

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/adding_a_transport.md"
NAMES = {
    "wirerace.transports": ("TRANSPORT",),
    "wirerace.theory": ("predict", "latencies", "path_of", "visited", "visited_in_closed_form"),
    "services": ("SERVICE",),
    "loadtests": ("{user_class}",),
}
"""Where a transport's four files are, and what must be in each."""
ADDED = {
    "docker-compose.yml": (
        """
  {name}:
    <<: *server
    command: [{name}]
    ports: ["127.0.0.1:${{{variable}_PORT}}:{port}"]
    healthcheck:
      <<: *health
      test: [CMD, /opt/venv/bin/python, -S, services/healthcheck.py, "{port}"]
""",
        "\n    WIRERACE_{variable}_HOST: http://{name}:{port}\n",
        "\n      WIRERACE_{variable}_PAGE_URL: http://127.0.0.1:${{{variable}_PORT}}\n",
        "\n      {name}: {{ condition: service_healthy }}\n",
    ),
    ".env": ("\n{variable}_PORT={port}\n",),
    "prometheus/prometheus.yml": ('\n      - {{ targets: ["{name}:{port}"], labels: {{ transport: {name} }} }}\n',),
}
"""What is added for a transport to files that there are: its container, the load's and the live page's variables
for it, what Locust waits for; its port on this machine; what Prometheus scrapes.
"""
PRODUCT = ("wirerace", "services", "loadtests", "grafana", "prometheus")
"""Folders whose files must not name a transport. Benchmarks and experiments choose their transports."""
FREE_TO_NAME = (
    "wirerace/reproductions/",
    "wirerace/analysis/cost_model/model.json",
    "wirerace/runner/shipped/",
    "loadtests/foreign/",
    "wirerace/checking/",
)
"""Exceptions that may name transports: published results, a fitted model, promises and other people's servers."""
MOST_FILES = 8


def filled(text: str, transport: Transport) -> str:
    """Return a text with the values of a transport."""
    return text.format(
        name=transport.name,
        port=transport.port,
        variable=transport.name.upper(),
        user_class=transport.user_class,
    )


@pytest.mark.parametrize("package", NAMES)
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
def test_transport_is_four_files_with_its_name(transport: Transport, package: str) -> None:
    file = f"{package.replace('.', '/')}/{transport.name}.py"
    if not (ROOT / file).is_file():
        pytest.fail(f"write {file}: docs/{PAGE.name} says what is in it", pytrace=False)
    module = importlib.import_module(f"{package}.{transport.name}")
    missing = [name for text in NAMES[package] if not hasattr(module, name := filled(text, transport))]
    assert [] == missing, f"{file} has no {', '.join(missing)}"


@pytest.mark.parametrize("name", TRANSPORTS)
def test_module_that_has_the_name_is_about_the_transport(name: str) -> None:
    assert TRANSPORTS[name] is importlib.import_module(f"wirerace.transports.{name}").TRANSPORT
    assert name == service_of(name).name
    assert find_theory(name) is importlib.import_module(f"wirerace.theory.{name}")
    user_class = getattr(importlib.import_module(f"loadtests.{name}"), TRANSPORTS[name].user_class)
    assert TRANSPORTS[name] is user_class.transport


@pytest.mark.parametrize("file", ADDED)
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
def test_stack_knows_the_transport(transport: Transport, file: str) -> None:
    said = (ROOT / file).read_text("utf-8")
    missing = [line for text in ADDED[file] if (line := filled(text, transport)) not in said]

    if missing:
        pytest.fail(f"{file} lacks, letter for letter:\n{''.join(missing)}", pytrace=False)


@pytest.mark.parametrize("dashboard", DASHBOARDS)
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
def test_dashboards_show_the_transport_in_its_colour(transport: Transport, dashboard: str) -> None:
    board = json.loads((ROOT / f"grafana/dashboards/{dashboard}.json").read_text("utf-8"))
    colors = {
        override["properties"][0]["value"]["fixedColor"]
        for panel in board["panels"]
        for override in panel.get("fieldConfig", {}).get("overrides", [])
        if override["matcher"]["options"] == f"^{transport.name}( .*)?$"
    }

    assert {transport.color} == colors, f"{dashboard}.json does not have its colour: make dashboards writes it"


@pytest.mark.parametrize("name", TRANSPORTS)
def test_tests_know_the_transport(name: str) -> None:
    assert name in clients.CLIENTS, f"tests/contract/clients.py: write how a bare client of {name} asks and listens"
    assert client_module(name).Client, f"wirerace/checking/clients/{name}.py: write how it asks and listens"
    assert name in liar.CLIENTS, f"tests/liar/liar.py: write how a server of {name} lies"


@pytest.mark.parametrize("field", ["port", "color", "path", "title", "user_class"])
def test_no_two_transports_share_a_field(field: str) -> None:
    values = [getattr(transport, field) for transport in TRANSPORTS.values()]

    assert len(values) == len(set(values)), f"{field} of two transports is the same: {values}"
    assert PRODUCER_PORT not in values


@pytest.mark.processes
def test_service_that_is_started_imports_no_other() -> None:
    script = "import sys; from services.__main__ import service_of; service_of('polling'); print(*sys.modules)"
    run = [sys.executable, "-c", script]
    loaded = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    assert {"services.polling"} == {f"services.{name}" for name in SERVICES} & set(loaded)


@pytest.mark.processes
def test_locust_finds_the_users_of_all_transports_and_no_other() -> None:
    run = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--list"]
    said = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert ["Available Users:", *sorted(transport.user_class for transport in TRANSPORTS.values())] == [
        line.strip() for line in said.splitlines()
    ]


def needed() -> list[str]:
    """Return the files that the page says are written or changed by hand for `sse`, tests and documents apart."""
    firsts = re.findall(r"^\| (`[^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    files = [file for first in firsts for file in re.findall(r"`([^`]+)`", first)]
    return [file for file in files if not file.startswith(("tests/", "docs/")) and not file.endswith(".md")]


def test_adding_a_transport_takes_eight_files_at_most() -> None:
    assert {*(f"{package.replace('.', '/')}/sse.py" for package in NAMES), *ADDED} <= set(needed())
    assert len(needed()) <= MOST_FILES


@pytest.mark.parametrize("name", TRANSPORTS)
def test_every_file_that_is_needed_is_there_for_the_transport(name: str) -> None:
    assert [] == [file for file in needed() if not (ROOT / file.replace("sse", name)).is_file()]


def naming(word: str) -> Iterator[str]:
    """Yield the files of the product that say a word; what `make dashboards` writes, and documents, apart."""
    for path in [*ROOT.iterdir(), *(path for folder in PRODUCT for path in (ROOT / folder).rglob("*"))]:
        is_written_by_hand = path.is_file() and path.suffix in {".py", ".yml", ".toml", ""}
        if is_written_by_hand and word in path.read_text("utf-8", errors="replace"):
            yield path.relative_to(ROOT).as_posix()


def test_no_file_names_a_transport_but_those_that_the_page_lists() -> None:
    """`longpolling` is a word that means nothing else."""
    listed = {file.replace("sse", "longpolling") for file in needed()} | {"prometheus/rules_test.yml"}
    found = [file for file in naming("longpolling") if file not in listed]

    assert [] == [file for file in found if not file.startswith(FREE_TO_NAME)]
