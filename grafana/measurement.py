"""Load, producer and feed: what tells whether the measurement is to be believed."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard

from grafana.panels import BY_TRANSPORT, PRODUCER, SERVER, filled, graph, new_dashboard, quantile, rate


def measurement() -> dashboard.Dashboard:
    """Return what tells whether the measurement is to be believed."""
    board = new_dashboard("measurement", "Load, producer and feed", "Is the measurement to be believed?")
    rows: dict[str, list[Any]] = {
        "The load": [
            graph(
                "How busy is the load?",
                "Cores of each load process; near 1 it is the load that is measured",
                "short",
                {"{{instance}}": 'rate(wirerace_load_cpu_seconds_total{job="load"}[10s])'},
            ),
            graph(
                "How many polls leave late?",
                "More than 5 % of their interval, or never; a second",
                "short",
                {BY_TRANSPORT: rate("wirerace_load_late_polls_total")},
            ),
            graph(
                "Clients of each load process",
                "Subscribed now",
                "short",
                {"{{instance}}": "sum by (instance) (wirerace_load_clients)"},
            ),
            graph(
                "Load memory",
                "Resident, of each load process",
                "bytes",
                {"{{instance}}": 'process_resident_memory_bytes{job="load"}'},
            ),
        ],
        "The producer": [
            graph(
                "Updates a second",
                "Made by the producer, and ingested by each server",
                "short",
                {
                    "producer": 'rate(wirerace_updates_total{job="producer"}[10s])',
                    BY_TRANSPORT: 'rate(wirerace_updates_total{job="server"}[10s])',
                },
            ),
            graph(
                "How late is the producer?",
                "99th percentile, from the intended time of making to the making itself",
                "s",
                {"producer": quantile(0.99, "wirerace_feed_lag_seconds", PRODUCER)},
            ),
        ],
        "The feed": [
            graph(
                "How late does the feed reach a server?",
                "99th percentile, from the intended time of making to ingestion",
                "s",
                {BY_TRANSPORT: quantile(0.99, "wirerace_feed_lag_seconds", SERVER, "transport, ")},
            ),
            graph(
                "Is the feed live?",
                "1 when it is connected and caught up",
                "short",
                {BY_TRANSPORT: 'wirerace_feed_live{job="server"}'},
            ),
        ],
        "What Prometheus sees": [
            graph(
                "Is everything scraped?", "1 when the last scrape succeeded", "short", {"{{job}} {{instance}}": "up"}
            ),
            graph(
                "How long does a scrape take?",
                "Each target, every second",
                "s",
                {"{{job}} {{instance}}": "scrape_duration_seconds"},
            ),
        ],
    }
    return filled(board, rows)
