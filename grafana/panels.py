"""Panels and queries of the dashboards: the same colours, axes and units everywhere."""

from collections.abc import Callable, Mapping
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as shown
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from wirerace.analysis.thresholds import Limit
from wirerace.transports import TRANSPORTS

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
BY_TRANSPORT = "{{transport}}"
WIDTH, HEIGHT, STAT_HEIGHT = 12, 8, 4
GOOD, CAREFUL, BAD, NEUTRAL = "green", "orange", "red", "#999999"

STROKES: tuple[dict[str, Any], ...] = ({"fill": "dash", "dash": [10, 6]}, {"fill": "dot", "dash": [0, 8]})
"""Legends of a panel's second and third query by transport, in the transport's colour."""

Queries = Mapping[str, str]
"""The queries of a panel: legend to PromQL."""

NO_LOAD = "No clients: press Start on Locust's page, or start the demo (docker compose --profile demo up --detach)"
NO_PARTS = "Prometheus has scraped nothing: see docker compose ps"
NO_CLIENTS = "no clients"
"""The text of an empty panel: why it is empty, and what to do."""


def rate(metric: str, selector: str = "", by: str = "transport") -> str:
    """Return the growth of a counter in a second, summed by a label."""
    return f"sum by ({by}) (rate({metric}{{{selector}}}[10s]))"


def quantile(fraction: float, histogram: str, selector: str = "", by: str = "") -> str:
    """Return a quantile of a histogram over the last half minute, and nothing if nothing was counted."""
    return f"histogram_quantile({fraction}, sum by ({by}le) (rate({histogram}_bucket{{{selector}}}[30s]))) >= 0"


def query(legend: str, expression: str) -> prometheus.Dataquery:
    """Return one query over the time range of the dashboard."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).range().datasource(SOURCE)


def query_now(legend: str, expression: str) -> prometheus.Dataquery:
    """Return one query at the present time: a series that has ended shows nothing, and not its last value."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).instant().datasource(SOURCE)


def graph(title: str, description: str, unit: str, queries: Queries, empty: str = NO_LOAD) -> timeseries.Panel:
    """Return a panel of lines over time, from zero. `empty` is its text without data."""
    return _lines(title, description, unit, queries).min(0).no_value(empty)


def counts(title: str, description: str, unit: str, queries: Queries, empty: str = NO_LOAD) -> timeseries.Panel:
    """Return a panel of whole numbers, most of them 0."""
    return graph(title, description, unit, queries, empty).decimals(0).axis_soft_max(5)


def delays(title: str, description: str, queries: Queries, empty: str = NO_LOAD) -> timeseries.Panel:
    """Return a panel of delays in seconds over time.

    Its axis is logarithmic: delays of transports differ by a factor of hundreds, and a spike costs one more decade.
    """
    logarithmic = common.ScaleDistributionConfig().type(shown.ScaleDistribution.LOG).log(10)
    return _lines(title, description, "s", queries).no_value(empty).scale_distribution(logarithmic)


def limited(panel: timeseries.Panel, limit: Limit) -> timeseries.Panel:
    """Return the panel with the verdict's limits as dashed lines: for a doubt, and for an invalid trial.

    A linear axis is extended to show them. A logarithmic axis has no soft end and needs a maximum.
    """
    bounds = [(bound, color) for bound, color in ((limit.doubt, CAREFUL), (limit.invalid, BAD)) if bound]
    steps = [Threshold(None, "transparent"), *(Threshold(bound, color) for bound, color in bounds)]
    dashed = common.GraphThresholdsStyleConfig().mode(shown.GraphThresholdsStyleMode.DASHED)
    panel = panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    return panel.thresholds_style(dashed).axis_soft_max(1.2 * bounds[-1][0])


def states(
    title: str, description: str, queries: Queries, words: Mapping[int, tuple[str, str]], height: int
) -> statetimeline.Panel:
    """Return a panel of states over time, a row each; `words` are the text and the colour of each value."""
    panel: statetimeline.Panel = _asking(
        statetimeline.Panel()
        .title(title)
        .description(description)
        .unit("none")
        .datasource(SOURCE)
        .span(2 * WIDTH)
        .height(height)
        .no_value(NO_PARTS)
        .mappings([mapping(words)])
        .fill_opacity(70)
        .line_width(0)
        .merge_values(True)
        .show_value(shown.VisibilityMode.AUTO),
        queries,
        query,
        colored=False,
    )
    return panel


def mapping(words: Mapping[int, tuple[str, str]]) -> ValueMap:
    """Return the texts and colours that a panel shows instead of numbers."""
    return ValueMap({str(value): ValueMappingResult(text, color) for value, (text, color) in words.items()})


def _lines(title: str, description: str, unit: str, queries: Queries) -> timeseries.Panel:
    panel: timeseries.Panel = _asking(
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .span(WIDTH)
        .height(HEIGHT)
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


def figure(title: str, description: str, unit: str, queries: Queries) -> stat.Panel:
    """Return a panel of current numbers."""
    panel: stat.Panel = _asking(
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .span(6)
        .height(STAT_HEIGHT)
        .no_value(NO_CLIENTS)
        .color_mode(shown.BigValueColorMode.VALUE)
        .graph_mode(shown.BigValueGraphMode.NONE)
        .text_mode(shown.BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])),
        queries,
        query_now,
    )
    return panel


def _asking(
    panel: Any, queries: Queries, ask: Callable[[str, str], prometheus.Dataquery], *, colored: bool = True
) -> Any:
    """Return the panel with its queries, and its transports in their colours."""
    for reference, (legend, expression) in zip(ascii_uppercase, queries.items(), strict=False):
        panel = panel.with_target(ask(legend, expression).ref_id(reference))
    for transport in TRANSPORTS.values() if colored else ():
        value = {"mode": FieldColorModeId.FIXED.value, "fixedColor": transport.color}
        panel = panel.override_by_regexp(f"^{transport.name}( .*)?$", [DynamicConfigValue(id_val="color", value=value)])
    return panel


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
