"""Whether a measurement is valid: every signal is broken alone; Prometheus's own tool evaluates the rules."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from grafana.signals import BELIEVE, CARE, NEVER, NO_TEST, SIGNALS
from tests.stack.compose import ROOT
from tests.stack.promtool import promtool
from wirerace.analysis import thresholds

pytestmark = pytest.mark.stack

AT_SECONDS = 65
Series = dict[str, str]

FINE: Series = {
    'up{job="server"}': "1x70",
    'up{job="load"}': "1x70",
    'up{job="producer"}': "1x70",
    'process_start_time_seconds{job="server"}': "1700000000x70",
    'wirerace_feed_live{job="server"}': "1x70",
    'wirerace_updates_total{job="producer"}': "0+5x70",
    'wirerace_cpu_seconds_total{job="server"}': "0+0.1x70",
    'wirerace_waited_seconds_total{job="server"}': "0+0.01x70",
    'wirerace_throttled_seconds_total{job="server"}': "0x70",
    'wirerace_feed_lag_seconds_bucket{job="producer", le="0.001"}': "0+5x70",
    'wirerace_feed_lag_seconds_bucket{job="producer", le="0.025"}': "0+5x70",
    'wirerace_feed_lag_seconds_bucket{job="producer", le="0.25"}': "0+5x70",
    'wirerace_feed_lag_seconds_bucket{job="producer", le="+Inf"}': "0+5x70",
    'wirerace_event_loop_lag_seconds_bucket{job="server", le="0.001"}': "0+5x70",
    'wirerace_event_loop_lag_seconds_bucket{job="server", le="0.1"}': "0+5x70",
    'wirerace_event_loop_lag_seconds_bucket{job="server", le="+Inf"}': "0+5x70",
    'wirerace_load_clients{transport="polling"}': "10x70",
    "wirerace_load_cpu_seconds_total": "0+0.1x70",
    'wirerace_load_requests_total{transport="polling"}': "0+100x70",
    'wirerace_load_late_polls_total{transport="polling"}': "0x70",
    "wirerace_load_deliveries_total": "0+50x70",
    "wirerace_load_missing": "0x70",
}
"""More than a minute in which all is well; series that are not here do not exist yet."""


def slower(series: str, bound: str) -> Series:
    """Return a histogram in which everything is over `bound`, and up to the next one."""
    return {
        f'{series}, le="{le}"}}': "0x70"
        for le in ("0.001", "0.025", "0.1", "0.25")
        if float(le) <= float(bound) and f'{series}, le="{le}"}}' in FINE
    }


LATE, BUSY = thresholds.LATE_POLLS_FRACTION, thresholds.LOAD_UTILISATION
STARVED, THROTTLED = thresholds.STARVED_FRACTION, thresholds.THROTTLED_FRACTION
WAITED, STOPPED = 'wirerace_waited_seconds_total{job="server"}', 'wirerace_throttled_seconds_total{job="server"}'
ONCE = "0x30 1x30"
BROKEN: list[tuple[str, int, Series]] = [
    ("parts away or restarted", NEVER, {'up{job="load"}': "1x30 0 1x30"}),
    ("parts away or restarted", NEVER, {'process_start_time_seconds{job="server"}': "1700000000x30 1700000060x30"}),
    ("servers without a live feed", NEVER, {'wirerace_feed_live{job="server"}': "1x30 0 1x30"}),
    ("updates received before they were due", NEVER, {"wirerace_load_early_deliveries_total": ONCE}),
    ("updates made", CARE, {'wirerace_updates_total{job="producer"}': "0+0.1x70"}),
    ("updates made", NEVER, {'wirerace_updates_total{job="producer"}': "0+0.02x70"}),
    ("updates made", CARE, {'wirerace_updates_total{job="producer"}': "_x70"}),
    *(
        ("busiest load process, of a core", worst, {"wirerace_load_cpu_seconds_total": f"0+{bound + 0.01}x70"})
        for worst, bound in ((CARE, BUSY.doubt or 0), (NEVER, BUSY.invalid or 0))
    ),
    *(
        (
            "polls that left late, of all",
            worst,
            {'wirerace_load_late_polls_total{transport="polling"}': f"0+{100 * bound + 0.1}x70"},
        )
        for worst, bound in ((CARE, LATE.doubt or 0), (NEVER, LATE.invalid or 0))
    ),
    (
        "producer late, 99th percentile",
        CARE,
        slower('wirerace_feed_lag_seconds_bucket{job="producer"', "0.001"),
    ),
    (
        "producer late, 99th percentile",
        NEVER,
        slower('wirerace_feed_lag_seconds_bucket{job="producer"', "0.025"),
    ),
    *(
        (
            "server without a core, of the time it wanted one",
            worst,
            {WAITED: f"0+{0.1 * bound / (1 - bound) + 0.001}x70"},
        )
        for worst, bound in ((CARE, STARVED.doubt or 0), (NEVER, STARVED.invalid or 0))
    ),
    *(
        ("server stopped by its CPU quota, of the time", worst, {STOPPED: f"0+{bound + 0.0001}x70"})
        for worst, bound in ((CARE, THROTTLED.doubt or 0), (NEVER, THROTTLED.invalid or 0))
    ),
    (
        "server's event loop late, 99th percentile",
        CARE,
        slower('wirerace_event_loop_lag_seconds_bucket{job="server"', "0.001"),
    ),
    ("deliveries missing, of all", CARE, {"wirerace_load_missing": "1x70"}),
    ("deliveries missing, of all", NEVER, {"wirerace_load_missing": "6000x70"}),
    ("updates received again", CARE, {"wirerace_load_duplicated_total": ONCE}),
    ("updates received out of order", CARE, {"wirerace_load_reordered_total": ONCE}),
    *(
        ("clients cut off by a server", CARE, {f'wirerace_{name}_total{{job="server"}}': ONCE})
        for name in ("slow_readers", "request_timeouts", "ping_timeouts", "floods")
    ),
    ("connections that broke", CARE, {"wirerace_load_breaks_total": ONCE}),
    ("requests answered with an error", CARE, {'wirerace_load_responses_total{outcome="error"}': ONCE}),
    ("segments that servers sent again", CARE, {'wirerace_tcp_retransmitted_segments_total{job="server"}': ONCE}),
]


def case(name: str, broken: Series, belief: int, levels: dict[str, int]) -> dict[str, Any]:
    """Return one test of promtool: the expected belief, and the signals that should be above 0."""
    expected = {"wirerace:belief": [{"labels": "wirerace:belief", "value": belief}]}
    expected["sum by (signal) (wirerace:signal:level) > 0"] = [
        {"labels": f'{{signal="{signal}"}}', "value": found} for signal, found in levels.items()
    ]
    return {
        "name": name,
        "interval": "1s",
        "input_series": [{"series": series, "values": values} for series, values in (FINE | broken).items()],
        "promql_expr_test": [
            {"expr": expression, "eval_time": f"{AT_SECONDS}s", "exp_samples": samples}
            for expression, samples in expected.items()
        ],
    }


def test_every_signal_is_broken_in_some_case() -> None:
    assert {signal.name for signal in SIGNALS} == {name for name, _, _ in BROKEN}


def test_each_broken_signal_alone_decides_the_belief(tmp_path: Path) -> None:
    cases = [
        case("all is well", {}, BELIEVE, {}),
        case("no client is there", {'wirerace_load_clients{transport="polling"}': "0x70"}, NO_TEST, {}),
        *(case(f"{name}: {worst}", broken, worst, {name: worst}) for name, worst, broken in BROKEN),
    ]
    for rules in ("rules.yml", "belief.yml"):
        shutil.copy(ROOT / "prometheus" / rules, tmp_path)
    written = {"rule_files": ["rules.yml", "belief.yml"], "evaluation_interval": "1s", "tests": cases}
    (tmp_path / "test.yml").write_text(json.dumps(written))
    tmp_path.chmod(0o755)

    promtool(tmp_path, "test", "rules", "test.yml")
