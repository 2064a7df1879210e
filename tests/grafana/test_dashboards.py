"""The dashboards: they are what the code makes, and are readable."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grafana.belief import COLUMNS, WORDS
from grafana.build import DASHBOARDS, DIRECTORY, RULES, encoded
from grafana.signals import LOOP_LATE_P99_SECONDS, SIGNALS, rules
from wirerace.analysis import thresholds
from wirerace.transports import TRANSPORTS

ROOT = Path(__file__).parents[2]


def panels_of(name: str) -> Iterator[dict[str, Any]]:
    """Yield the panels of a dashboard, without its rows."""
    return (panel for panel in json.loads(encoded(name))["panels"] if panel["type"] != "row")


TITLED = [(f"{name}: {panel['title']}", panel) for name in DASHBOARDS for panel in panels_of(name)]
PANELS = [pytest.param(panel, id=title) for title, panel in TITLED]
GRAPHS = [pytest.param(panel, id=title) for title, panel in TITLED if panel["type"] == "timeseries"]
OF_TRANSPORTS = [pytest.param(panel, id=title) for title, panel in TITLED if panel["type"] in {"timeseries", "stat"}]
LATENCY = re.compile(r"delivery_latency|theory:latency|_lag_seconds|scrape_duration")


@pytest.mark.parametrize("name", DASHBOARDS)
def test_committed_dashboard_is_what_the_code_makes(name: str) -> None:
    """If not, run python -m grafana.build."""
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
def test_empty_panel_says_why_or_what_to_do(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["noValue"]


@pytest.mark.parametrize("panel", PANELS)
def test_unit_says_what_is_counted(panel: dict[str, Any]) -> None:
    """`short` is a number of nothing."""
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] != "short"
    if " a second" in panel["title"]:
        assert defaults["unit"].endswith(("/s", "ps"))
    if "ores" in panel["title"]:
        assert "suffix:cores" == defaults["unit"]


@pytest.mark.parametrize("panel", GRAPHS)
def test_delays_and_they_alone_have_a_logarithmic_axis(panel: dict[str, Any]) -> None:
    """On a linear axis, long polling, WebSocket and theory would all lie at zero."""
    shows_delays = any(LATENCY.search(target["expr"]) for target in panel["targets"])
    scale = panel["fieldConfig"]["defaults"]["custom"].get("scaleDistribution", {})
    assert ({"type": "log", "log": 10} if shows_delays else {}) == scale
    assert (None if shows_delays else 0) == panel["fieldConfig"]["defaults"].get("min")


def test_limits_are_those_of_the_verdict_and_are_in_the_picture() -> None:
    drawn = {}
    for panel in panels_of("measurement"):
        defaults = panel["fieldConfig"]["defaults"]
        if steps := [step["value"] for step in defaults.get("thresholds", {"steps": []})["steps"][1:]]:
            assert "dashed" == defaults["custom"]["thresholdsStyle"]["mode"]
            assert defaults.get("max", defaults["custom"]["axisSoftMax"]) > steps[-1]
            drawn[panel["title"]] = steps

    assert {
        "How busy is the load?": list(thresholds.LOAD_UTILISATION[:2]),
        "How many polls leave late?": list(thresholds.LATE_POLLS_FRACTION[:2]),
        "How late is the producer?": list(thresholds.PRODUCER_LATE_P99_SECONDS[:2]),
        "How late does each server's event loop run?": [LOOP_LATE_P99_SECONDS.doubt],
    } == drawn


def test_committed_rules_are_what_the_code_makes() -> None:
    """If not, run python -m grafana.build."""
    assert rules() == RULES.read_text("utf-8")
    assert f"rule_files: [rules.yml, {RULES.name}]" in (ROOT / "prometheus/prometheus.yml").read_text()


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("updates made", (thresholds.FEW_UPDATES, thresholds.LEAST_UPDATES)),
        ("busiest load process, of a core", thresholds.LOAD_UTILISATION[:2]),
        ("polls that left late, of all", thresholds.LATE_POLLS_FRACTION[:2]),
        ("producer late, 99th percentile", thresholds.PRODUCER_LATE_P99_SECONDS[:2]),
        ("server without a core, of the time it wanted one", thresholds.STARVED_FRACTION[:2]),
        ("server stopped by its CPU quota, of the time", thresholds.THROTTLED_FRACTION[:2]),
        ("deliveries missing, of all", thresholds.MISSING_FRACTION[:2]),
        ("segments that servers sent again", (thresholds.RETRANSMITTED_FRACTION.doubt, None)),
    ],
)
def test_signal_has_the_limits_of_the_verdict(name: str, limit: tuple[float | None, ...]) -> None:
    (signal,) = (signal for signal in SIGNALS if signal.name == name)
    assert limit == signal.limit[:2]


@pytest.mark.parametrize("name", ["race", "measurement"])
def test_tile_says_in_words_what_is_valid_and_the_table_beside_it_why(name: str) -> None:
    tile, table = list(panels_of(name))[:2]
    (mapping,) = tile["fieldConfig"]["defaults"]["mappings"]
    assert {"-1": "no test runs", "0": "may be believed", "1": "with care", "2": "do not believe"} == {
        value: words["text"] for value, words in mapping["options"].items()
    }
    assert ["wirerace:belief"] == [target["expr"] for target in tile["targets"]]
    assert ["wirerace:signal:level"] == [target["expr"] for target in table["targets"]]
    assert tile["gridPos"]["y"] == table["gridPos"]["y"]


def test_table_shows_the_labels_that_the_rules_have() -> None:
    assert all(f"          {label}: " in rules() for label in COLUMNS if label != "Value")
    assert len(WORDS) == len({color for _, color in WORDS.values()})


def test_a_transport_shows_everything_that_its_server_does_about_clients_that_do_not_keep_up() -> None:
    asked = " ".join(target["expr"] for panel in panels_of("transport") for target in panel["targets"])
    for name in (
        "waiting_bytes",
        "slow_readers_total",
        "request_timeouts_total",
        "ping_timeouts_total",
        "floods_total",
    ):
        assert f"wirerace_{name}" in asked


@pytest.mark.parametrize("panel", PANELS)
def test_panel_asks_prometheus_and_names_what_it_shows(panel: dict[str, Any]) -> None:
    targets = panel["targets"]
    assert targets
    assert len({target["refId"] for target in targets}) == len(targets)
    assert all(target["legendFormat"] and target["expr"] for target in targets)
    assert {"prometheus"} == {target["datasource"]["uid"] for target in targets}


@pytest.mark.parametrize("panel", OF_TRANSPORTS)
def test_transports_have_the_same_colours_everywhere(panel: dict[str, Any]) -> None:
    overrides = panel["fieldConfig"]["overrides"]
    colors = {
        override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
        for override in overrides
        if override["properties"][0]["id"] == "color"
    }
    assert {f"^{name}( .*)?$": transport.color for name, transport in TRANSPORTS.items()} == colors
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
    is_number = panel["type"] in {"stat", "table"}
    asked = {(target["instant"], target["range"]) for target in panel["targets"]}
    assert {(is_number, not is_number)} == asked


@pytest.mark.parametrize("name", DASHBOARDS)
def test_tests_are_marked_by_one_series(name: str) -> None:
    """A test is one region, for any transports."""
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
