"""Load, producer and feed: whether the measurement is valid."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard

from grafana.belief import belief, history, signals
from grafana.panels import (
    BAD,
    BY_TRANSPORT,
    GOOD,
    NO_PARTS,
    delays,
    filled,
    graph,
    limited,
    new_dashboard,
    quantile,
    states,
)
from grafana.signals import LOOP_LATE_P99_SECONDS, PRODUCER, SERVER
from wirerace.analysis import thresholds

LATEST_SECONDS = 1.0  # the end of the axis: a later update is invalid anyway, and a spike would hide the rest
NO_RATE = "The producer makes nothing: set RATE_PER_SECOND, or see docker compose ps"


def measurement() -> dashboard.Dashboard:
    """Return the dashboard that shows whether the measurement is valid."""
    board = new_dashboard("measurement", "Load, producer and feed", "Is the measurement to be believed?")
    rows = {
        "": [belief(12), signals(12), history(14)],
        "The load": _load(),
        "The producer": _producer(),
        "The feed": _feed(),
        "What Prometheus sees": _scrapes(),
    }
    return filled(board, rows)


def _load() -> list[Any]:
    return [
        limited(
            graph(
                "How busy is the load?",
                "Cores of each load process, which has one; dashed, the verdict's limits. Near 1 it is the load that is"
                " measured",
                "suffix:cores",
                {"{{instance}}": 'rate(wirerace_load_cpu_seconds_total{job="load"}[10s])'},
                empty=NO_PARTS,
            ),
            thresholds.LOAD_UTILISATION,
        ),
        limited(
            graph(
                "How many polls leave late?",
                "Of all polls of the last minute: more than 5 % of their interval late, or never; dashed, the verdict's"
                " limits",
                "percentunit",
                {BY_TRANSPORT: "wirerace:late_polls:ratio"},
                empty="Nobody has polled for half a minute: pick PollingUser on Locust's page, and press Start",
            ),
            thresholds.LATE_POLLS_FRACTION,
        ),
        graph(
            "Clients of each load process",
            "Subscribed now; 0 until somebody presses Start",
            "suffix:clients",
            {"{{instance}}": "sum by (instance) (wirerace_load_clients)"},
            empty=NO_PARTS,
        ),
        graph(
            "Load memory",
            "Resident, of each load process",
            "bytes",
            {"{{instance}}": 'process_resident_memory_bytes{job="load"}'},
            empty=NO_PARTS,
        ),
    ]


def _producer() -> list[Any]:
    return [
        graph(
            "Updates a second",
            "Made by the producer, and ingested by each server: the lines lie on one another while all is well",
            "suffix:updates/s",
            {
                "producer": f"rate(wirerace_updates_total{{{PRODUCER}}}[10s])",
                BY_TRANSPORT: f"rate(wirerace_updates_total{{{SERVER}}}[10s])",
            },
            empty=NO_PARTS,
        ),
        limited(
            delays(
                "How late is the producer?",
                "99th percentile, from the intended time of making to the making itself; dashed, the verdict's limits",
                {"producer": quantile(0.99, "wirerace_feed_lag_seconds", PRODUCER)},
                empty=NO_RATE,
            ),
            thresholds.PRODUCER_LATE_P99_SECONDS,
        ).max(LATEST_SECONDS),
    ]


def _feed() -> list[Any]:
    return [
        delays(
            "How late does the feed reach a server?",
            "99th percentile, from the intended time of making to ingestion",
            {BY_TRANSPORT: quantile(0.99, "wirerace_feed_lag_seconds", SERVER, "transport, ")},
            empty=NO_RATE,
        ),
        limited(
            delays(
                "How late does each server's event loop run?",
                "99th percentile of how much later than asked for a timer ran; dashed, from where it is a doubt",
                {BY_TRANSPORT: quantile(0.99, "wirerace_event_loop_lag_seconds", SERVER, "transport, ")},
                empty=NO_PARTS,
            ),
            LOOP_LATE_P99_SECONDS,
        ).max(LATEST_SECONDS),
        states(
            "Is the feed live?",
            "Whether each server is connected to the producer and has caught up",
            {BY_TRANSPORT: f"wirerace_feed_live{{{SERVER}}}"},
            {1: ("live", GOOD), 0: ("away", BAD)},
            6,
        ),
    ]


def _scrapes() -> list[Any]:
    return [
        states(
            "Is everything scraped?",
            "Whether the last scrape of each part succeeded",
            {"{{job}} {{instance}}": "up"},
            {1: ("scraped", GOOD), 0: ("away", BAD)},
            8,
        ),
        delays(
            "How long does a scrape take?",
            "Each target, every second; after one second a scrape is given up",
            {"{{job}} {{instance}}": "scrape_duration_seconds"},
            empty=NO_PARTS,
        ).max(LATEST_SECONDS),
    ]
