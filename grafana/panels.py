"""Panels and queries of the dashboards: the same colours, axes and units everywhere."""

from collections.abc import Callable, Mapping
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as shown
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
)

from wirerace.transports import TRANSPORTS

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
COLORS = {"polling": "#E69F00", "longpolling": "#56B4E9", "websocket": "#009E73"}
"""Of each transport, on every dashboard; they can be told apart by the colour-blind (Okabe and Ito)."""
OTHER_COLORS = ("#CC79A7", "#0072B2", "#D55E00", "#F0E442")
"""For transports to come."""
BY_TRANSPORT = "{{transport}}"
WIDTH, HEIGHT, STAT_HEIGHT = 12, 8, 4

STROKES: tuple[dict[str, Any], ...] = ({"fill": "dash", "dash": [10, 6]}, {"fill": "dot", "dash": [0, 8]})
"""Of a panel's second and third query by transport: the colour is the transport's."""

Queries = Mapping[str, str]
"""What a panel asks: legend to PromQL."""


SERVER = 'job="server"'
PRODUCER = 'job="producer"'


def rate(metric: str, selector: str = "", by: str = "transport") -> str:
    """Return how much a counter grows in a second, summed by a label."""
    return f"sum by ({by}) (rate({metric}{{{selector}}}[10s]))"


def quantile(fraction: float, histogram: str, selector: str = "", by: str = "") -> str:
    """Return a quantile of a histogram over the last half minute."""
    return f"histogram_quantile({fraction}, sum by ({by}le) (rate({histogram}_bucket{{{selector}}}[30s])))"


def query(legend: str, expression: str) -> prometheus.Dataquery:
    """Return one query, over the time that the dashboard shows."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).range().datasource(SOURCE)


def query_now(legend: str, expression: str) -> prometheus.Dataquery:
    """Return one query that is asked now: what has ended shows nothing, not its last value."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).instant().datasource(SOURCE)


def graph(title: str, description: str, unit: str, queries: Queries, width: int = WIDTH) -> timeseries.Panel:
    """Return a panel of lines over time."""
    panel: timeseries.Panel = _asking(
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .span(width)
        .height(HEIGHT)
        .min(0)
        .line_width(2)
        .fill_opacity(0)
        .show_points(shown.VisibilityMode.NEVER)
        .legend(common.VizLegendOptions().show_legend(True).placement(shown.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(shown.TooltipDisplayMode.MULTI)),
        queries,
        query,
    )
    named = zip(ascii_uppercase, queries, strict=False)
    by_transport = [reference for reference, legend in named if BY_TRANSPORT in legend]
    for reference, stroke in zip(by_transport[1:], STROKES, strict=False):
        panel = panel.override_by_query(reference, [DynamicConfigValue(id_val="custom.lineStyle", value=stroke)])
    return panel


def figure(title: str, description: str, unit: str, queries: Queries, width: int = 6) -> stat.Panel:
    """Return a panel of numbers as they are now."""
    panel: stat.Panel = _asking(
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .span(width)
        .height(STAT_HEIGHT)
        .color_mode(shown.BigValueColorMode.VALUE)
        .graph_mode(shown.BigValueGraphMode.NONE)
        .text_mode(shown.BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])),
        queries,
        query_now,
    )
    return panel


def _asking(panel: Any, queries: Queries, ask: Callable[[str, str], prometheus.Dataquery]) -> Any:
    """Return the panel with its queries, and its transports in their colours."""
    for reference, (legend, expression) in zip(ascii_uppercase, queries.items(), strict=False):
        panel = panel.with_target(ask(legend, expression).ref_id(reference))
    for name, color in _colors().items():
        value = {"mode": FieldColorModeId.FIXED.value, "fixedColor": color}
        panel = panel.override_by_regexp(f"^{name}( .*)?$", [DynamicConfigValue(id_val="color", value=value)])
    return panel


def _colors() -> dict[str, str]:
    spare = iter(OTHER_COLORS)
    return {name: COLORS.get(name) or next(spare) for name in TRANSPORTS}


def new_dashboard(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """Return an empty dashboard that shows the last minutes and marks the tests that ran."""
    marks = (
        dashboard.AnnotationQuery()
        .name("Test")
        .datasource(SOURCE)
        .enable(True)
        .icon_color("#999999")
        .expr("sum(wirerace:clients) > 0")  # one region for all transports: several would lie on one another
    )
    return (
        dashboard.Dashboard(title)
        .uid(f"wirerace-{uid}")
        .description(description)
        .tags(["wirerace"])
        .time("now-5m", "now")
        .refresh("5s")
        .readonly()
        .link(dashboard.DashboardLink("Wirerace").type(DashboardLinkType.DASHBOARDS).tags(["wirerace"]).keep_time(True))
        .annotation(marks)
    )


def filled(board: dashboard.Dashboard, rows: Mapping[str, list[Any]]) -> dashboard.Dashboard:
    """Return the dashboard with rows of panels; the first may have no title."""
    for title, panels in rows.items():
        if title:
            board = board.with_row(dashboard.Row(title))
        for panel in panels:
            board = board.with_panel(panel)
    return board
