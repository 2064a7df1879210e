"""The dashboards: as the code makes them, and fit to be read."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grafana.build import DASHBOARDS, DIRECTORY, encoded
from grafana.panels import COLORS
from wirerace.transports import TRANSPORTS

ROOT = Path(__file__).parents[2]


def panels_of(name: str) -> Iterator[dict[str, Any]]:
    """Yield the panels of a dashboard, without its rows."""
    return (panel for panel in json.loads(encoded(name))["panels"] if panel["type"] != "row")


PANELS = [pytest.param(panel, id=f"{name}: {panel['title']}") for name in DASHBOARDS for panel in panels_of(name)]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_committed_dashboard_is_what_the_code_makes(name: str) -> None:
    """Otherwise: python -m grafana.build."""
    assert encoded(name) == (DIRECTORY / f"{name}.json").read_text("utf-8")


def test_there_is_no_other_dashboard() -> None:
    assert {f"{name}.json" for name in DASHBOARDS} == {path.name for path in DIRECTORY.iterdir()}


@pytest.mark.parametrize("panel", PANELS)
def test_panel_has_a_title_a_unit_and_a_line_that_describes_it(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert [panel["description"]] == panel["description"].splitlines()
    assert panel["description"] != panel["title"]


@pytest.mark.parametrize("panel", PANELS)
def test_panel_asks_prometheus_and_names_what_it_shows(panel: dict[str, Any]) -> None:
    targets = panel["targets"]
    assert targets
    assert len({target["refId"] for target in targets}) == len(targets)
    assert all(target["legendFormat"] and target["expr"] for target in targets)
    assert {"prometheus"} == {target["datasource"]["uid"] for target in targets}


@pytest.mark.parametrize("panel", PANELS)
def test_transports_have_the_same_colours_everywhere(panel: dict[str, Any]) -> None:
    overrides = panel["fieldConfig"]["overrides"]
    colors = {
        override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
        for override in overrides
        if override["properties"][0]["id"] == "color"
    }
    assert {f"^{name}( .*)?$": color for name, color in COLORS.items()} == colors
    assert set(TRANSPORTS) == set(COLORS)
    assert not re.match("^polling( .*)?$", "longpolling p50")


@pytest.mark.parametrize("panel", PANELS)
def test_lines_of_one_colour_differ_in_their_stroke(panel: dict[str, Any]) -> None:
    strokes = {
        override["matcher"]["options"]: override["properties"][0]["value"]["fill"]
        for override in panel["fieldConfig"]["overrides"]
        if override["properties"][0]["id"] == "custom.lineStyle"
    }
    of_one_colour = [target["refId"] for target in panel["targets"] if "{{transport}}" in target["legendFormat"]]
    assert dict(zip(of_one_colour[1:], ("dash", "dot"), strict=False)) == strokes
    assert len(of_one_colour) <= 3


def test_theory_is_dashed_beside_what_is_measured() -> None:
    beside = {
        panel["title"]: panel["targets"][1]["expr"]
        for panel in panels_of("race")
        if [target["legendFormat"] for target in panel["targets"]] == ["{{transport}}", "{{transport}} theory"]
    }
    assert {
        "Mean latency": "wirerace:theory:latency_seconds",
        "How many answers bring nothing?": "wirerace:theory:empty_responses:ratio",
    } == beside


@pytest.mark.parametrize("panel", PANELS)
def test_numbers_are_asked_for_now(panel: dict[str, Any]) -> None:
    """A test that has ended shows none."""
    is_number = panel["type"] == "stat"
    assert {(is_number, not is_number)} == {(target["instant"], target["range"]) for target in panel["targets"]}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_tests_are_marked_by_one_series(name: str) -> None:
    """One region each, whatever the transports."""
    (marks,) = json.loads(encoded(name))["annotations"]["list"]
    assert "sum(wirerace:clients) > 0" == marks["expr"]
    assert marks["titleFormat"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels_of(name):
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not taken & cells
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_home_is_the_race_and_its_source_is_provisioned() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: /etc/grafana/dashboards/race.json" in compose
    assert "uid: prometheus" in (ROOT / "grafana/provisioning/datasources/prometheus.yml").read_text()
