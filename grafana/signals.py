"""Live signals of whether a measurement is valid, with the verdict's limits, as recording rules.

The verdict of a trial checks more, and only the trial's window. A signal checks the last minute.
"""

import textwrap
from typing import Literal, NamedTuple

from wirerace.analysis import thresholds
from wirerace.analysis.thresholds import Limit

BELIEVE, CARE, NEVER, NO_TEST = 0, 1, 2, -1
"""Values of `wirerace:signal:level` and of `wirerace:belief`, the worst of all; without clients it is NO_TEST."""

SERVER, PRODUCER = 'job="server"', 'job="producer"'
PARTS = 'job=~"server|producer|load"'
SEE_LOGS = "docker compose logs of that part"
FEWEST = Limit(
    thresholds.FEW_UPDATES,
    thresholds.LEAST_UPDATES,
    "means over so few depend on luck",
    "a higher RATE_PER_SECOND, or wait",
)
"""The verdict's numbers of updates; a smaller number is worse."""

LOOP_LATE_P99_SECONDS = Limit(
    thresholds.READER_LAG_P99_SECONDS.doubt,
    None,
    "it is in every latency of that server",
    "fewer clients, or more SERVER_CPUS",
)
"""The verdict has no limit for a server, because a slow one is a result. Above a reader's limit it is a doubt here."""


class Signal(NamedTuple):
    """One signal: `value` is PromQL for one number of the last minute, compared with the verdict's limit.

    `below` is for a value that must not be smaller than its limit.
    """

    name: str
    value: str
    limit: Limit
    unit: Literal["fraction", "seconds", "count"] = "count"
    below: bool = False


def _any(why: str, cure: str, *, invalid: bool = False) -> Limit:
    """Return the limit of something that must not happen at all: a doubt, or a reason for an invalid trial."""
    return Limit(None, 0.0, why, cure) if invalid else Limit(0.0, None, why, cure)


def _grown(metric: str, selector: str = "") -> str:
    """Return the growth of all these counters together, 0 without any."""
    return f"(sum(increase({metric}{{{selector}}}[1m])) or vector(0))"


def _p99(histogram: str, selector: str) -> str:
    return f"max(histogram_quantile(0.99, sum by (job, transport, le) (rate({histogram}_bucket{{{selector}}}[1m]))))"


WAITED = f"sum by (transport) (rate(wirerace_waited_seconds_total{{{SERVER}}}[1m]))"
RAN = f"sum by (transport) (rate(wirerace_cpu_seconds_total{{{SERVER}}}[1m]))"
CAME = "sum by (transport) (wirerace_load_deliveries_total)"
MISSING = "sum by (transport) (wirerace_load_missing)"

SIGNALS = (
    Signal(
        "parts away or restarted",
        f"sum(1 - min_over_time(up{{{PARTS}}}[1m])) + sum(changes(process_start_time_seconds{{{PARTS}}}[1m]))",
        _any("what happened meanwhile is in the figures", SEE_LOGS, invalid=True),
    ),
    Signal(
        "servers without a live feed",
        f"sum(1 - min_over_time(wirerace_feed_live{{{SERVER}}}[1m]))",
        _any("its clients could not get anything", "docker compose logs producer", invalid=True),
    ),
    Signal(
        "updates received before they were due",
        _grown("wirerace_load_early_deliveries_total"),
        _any("nothing arrives before it is made", "stop what sets the clock (NTP)", invalid=True),
    ),
    Signal("updates made", f"sum(increase(wirerace_updates_total{{{PRODUCER}}}[1m]))", FEWEST, below=True),
    Signal(
        "busiest load process, of a core",
        "max(rate(wirerace_load_cpu_seconds_total[1m]))",
        thresholds.LOAD_UTILISATION._replace(cure="more WORKERS, fewer clients, or fewer updates a second"),
        "fraction",
    ),
    Signal(
        "polls that left late, of all",
        "(max(wirerace:late_polls:ratio) or vector(0))",
        thresholds.LATE_POLLS_FRACTION._replace(cure="more WORKERS, fewer clients, or a longer poll interval"),
        "fraction",
    ),
    Signal(
        "producer late, 99th percentile",
        _p99("wirerace_feed_lag_seconds", PRODUCER),
        thresholds.PRODUCER_LATE_P99_SECONDS,
        "seconds",
    ),
    Signal(
        "server without a core, of the time it wanted one",
        f"max({WAITED} / ({WAITED} + {RAN}) * ({WAITED} > bool {thresholds.STARVED_LEAST:g}))",
        thresholds.STARVED_FRACTION,
        "fraction",
    ),
    Signal(
        "server stopped by its CPU quota, of the time",
        f"(max(rate(wirerace_throttled_seconds_total{{{SERVER}}}[1m])) or vector(0))",
        thresholds.THROTTLED_FRACTION._replace(cure="more SERVER_CPUS"),
        "fraction",
    ),
    Signal(
        "server's event loop late, 99th percentile",
        _p99("wirerace_event_loop_lag_seconds", SERVER),
        LOOP_LATE_P99_SECONDS,
        "seconds",
    ),
    Signal(
        "deliveries missing, of all",
        f"(max({MISSING} / ({MISSING} + {CAME} > 0)) or vector(0))",
        thresholds.MISSING_FRACTION._replace(cure="docker compose logs of the servers"),
        "fraction",
    ),
    Signal(
        "updates received again",
        _grown("wirerace_load_duplicated_total"),
        _any("the contract forbids it", "docker compose logs of the servers"),
    ),
    Signal(
        "updates received out of order",
        _grown("wirerace_load_reordered_total"),
        _any("the contract forbids it", "docker compose logs of the servers"),
    ),
    Signal(
        "clients cut off by a server",
        " + ".join(
            _grown(f"wirerace_{name}_total", SERVER)
            for name in ("slow_readers", "request_timeouts", "ping_timeouts", "floods")
        ),
        _any("they were away meanwhile", "see who was cut off, on the dashboard One transport"),
    ),
    Signal(
        "connections that broke",
        _grown("wirerace_load_breaks_total"),
        _any("their clients were away meanwhile", "docker compose logs of the servers"),
    ),
    Signal(
        "requests answered with an error",
        _grown("wirerace_load_responses_total", 'outcome="error"'),
        _any("clients waited and asked again", "docker compose logs of the servers"),
    ),
    Signal(
        "segments that servers sent again",
        _grown("wirerace_tcp_retransmitted_segments_total", SERVER),
        # Only a doubt: live, it is not known whose connections they were.
        thresholds.RETRANSMITTED_FRACTION._replace(invalid=None),
    ),
)


def level(signal: Signal) -> str:
    """Return PromQL for a signal's level. An unknown value is a doubt."""
    value = f'wirerace:signal{{signal="{signal.name}"}}'
    sign = "<" if signal.below else ">"
    limit = signal.limit
    steps = [f"({value} {sign} bool {bound:g})" for bound in (limit.doubt, limit.invalid) if bound is not None]
    if limit.doubt is None:
        steps *= NEVER
    return f"max({' + '.join(steps)}) or vector({CARE})"


def spelled(signal: Signal, bound: float | None) -> str:
    """Return a limit as text."""
    if bound is None:
        return "–"
    if not bound:
        return "any"
    text = {"fraction": f"{100 * bound:g} %", "seconds": f"{1000 * bound:g} ms", "count": f"{bound:g}"}[signal.unit]
    return f"under {text}" if signal.below else f"over {text}"


def _rule(record: str, expression: str, **labels: str) -> str:
    """Return one rule as YAML, with lines that fit. PromQL takes a line's end as a space, also in names of signals."""
    marked = "".join(f'          {name}: "{text}"\n' for name, text in labels.items())
    wrapped = textwrap.fill(
        expression,
        120,
        initial_indent=10 * " ",
        subsequent_indent=10 * " ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = [f"      - record: {record}\n"]
    if labels:
        lines.append(f"        labels:\n{marked}")
    return "".join((*lines, f"        expr: >-\n{wrapped}\n"))


def rules() -> str:
    """Return the recording rules as YAML."""
    named = {
        signal.name: {
            "care": spelled(signal, signal.limit.doubt),
            "never": spelled(signal, signal.limit.invalid),
            "cure": signal.limit.cure,
        }
        for signal in SIGNALS
    }
    belief = f"(max(wirerace:signal:level) and sum(wirerace:clients) > 0) or vector({NO_TEST})"
    return "".join(
        (
            "# Made by python -m grafana.build from grafana/signals.py: whether the measurement may be believed.\n",
            "groups:\n  - name: belief\n    interval: 1s\n    rules:\n",
            *(_rule("wirerace:signal", signal.value, signal=signal.name) for signal in SIGNALS),
            *(
                _rule("wirerace:signal:level", level(signal), signal=signal.name, **named[signal.name])
                for signal in SIGNALS
            ),
            _rule("wirerace:belief", belief),
        )
    )
