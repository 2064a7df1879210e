"""Whether the measurement is valid: one tile, its signals, and both over time."""

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table
from grafana_foundation_sdk.models import common as shown
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.panels import BAD, CAREFUL, GOOD, NEUTRAL, NO_PARTS, SOURCE, figure, mapping, states
from grafana.signals import BELIEVE, CARE, NEVER, NO_TEST

WORDS = {
    NO_TEST: ("no test runs", NEUTRAL),
    BELIEVE: ("may be believed", GOOD),
    CARE: ("with care", CAREFUL),
    NEVER: ("do not believe", BAD),
}
COLUMNS = {"Value": "says", "signal": "signal", "care": "with care", "never": "do not believe", "cure": "what to do"}
"""The columns of the table: a label of the rule, and its heading."""


def belief(height: int) -> stat.Panel:
    """Return the tile that says in words whether the measurement is valid."""
    panel = figure(
        "May it be believed?",
        "The worst signal of the last minute, by the limits of the verdict (docs/measuring.md). The table beside it"
        " says which",
        "none",
        {"measurement": "wirerace:belief"},
    )
    return (
        panel.height(height)
        .no_value(NO_PARTS)
        .mappings([mapping(WORDS)])
        .text_mode(shown.BigValueTextMode.VALUE)
        .color_mode(shown.BigValueColorMode.BACKGROUND)
    )


def signals(height: int) -> table.Panel:
    """Return the table of all signals, the worst first."""
    asked = prometheus.Dataquery().expr("wirerace:signal:level").legend_format("{{signal}}").instant()
    unseen = dict.fromkeys(("Time", "__name__"), True)
    arranged = {"excludeByName": unseen, "indexByName": {name: at for at, name in enumerate(COLUMNS)}}
    word = [
        DynamicConfigValue("mappings", [mapping(WORDS)]),
        DynamicConfigValue("custom.cellOptions", {"type": shown.TableCellDisplayMode.COLOR_BACKGROUND}),
        DynamicConfigValue("custom.width", 150),
    ]
    return (
        table.Panel()
        .title("What it rests on")
        .description(
            "Every signal of the last minute with its limits, the worst first. One that is not known counts as a doubt"
        )
        .unit("none")
        .no_value(NO_PARTS)
        .datasource(SOURCE)
        .span(18)
        .height(height)
        .with_target(asked.format(PromQueryFormat.TABLE).datasource(SOURCE).ref_id("A"))
        .with_transformation(DataTransformerConfig("organize", options=arranged | {"renameByName": COLUMNS}))
        .override_by_name(COLUMNS["Value"], word)
        .sort_by([common.TableSortByFieldState().display_name(COLUMNS["Value"]).desc(True)])
    )


def history(height: int) -> statetimeline.Panel:
    """Return when the measurement was valid, and which signals were against it."""
    return states(
        "When may it be believed?",
        "The tile, and every signal, over time: a figure of a graph is to be believed as far as its minute is",
        {"all together": "wirerace:belief", "{{signal}}": "wirerace:signal:level"},
        WORDS,
        height,
    )
