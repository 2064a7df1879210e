"""The race: transports side by side, one question a row."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard

from grafana.belief import belief, signals
from grafana.panels import BY_TRANSPORT, NO_PARTS, counts, delays, figure, filled, graph, new_dashboard, rate
from grafana.signals import SERVER

NOT_SETTLED = "Shown half a minute after clients came: press Start on Locust's page"


def race() -> dashboard.Dashboard:
    """Return the comparison: one question a row, transports side by side."""
    board = new_dashboard(
        "race", "The race", "Transports side by side: what clients see, and what it costs the servers"
    )
    rows = {
        "": [belief(5), signals(5), *_figures()],
        "How late?": _late(),
        "How stale?": _stale(),
        "How many empty answers?": _empty(),
        "How many bytes?": _bytes(),
        "How much CPU?": _cpu(),
        "How much memory?": _memory(),
        "Anything lost?": _lost(),
    }
    return filled(board, rows)


def _figures() -> list[Any]:
    return [
        figure("Clients", "Clients subscribed now", "none", {BY_TRANSPORT: "wirerace:clients"}),
        figure(
            "Median latency",
            "Half of all updates are no later",
            "s",
            {BY_TRANSPORT: "wirerace:delivery_latency_seconds:p50"},
        ),
        figure(
            "Deliveries a second",
            "Updates received, of all clients",
            "suffix:updates/s",
            {BY_TRANSPORT: "wirerace:deliveries:rate"},
        ),
        figure(
            "Faults",
            "Updates missing, received again, or out of order, since the test began",
            "suffix:updates",
            {BY_TRANSPORT: "wirerace:faults"},
        ),
    ]


def _late() -> list[Any]:
    return [
        delays(
            "How late is an update?",
            "From the intended time of making to arrival at the client: median, and the latest hundredth",
            {
                f"{BY_TRANSPORT} p50": "wirerace:delivery_latency_seconds:p50",
                f"{BY_TRANSPORT} p99": "wirerace:delivery_latency_seconds:p99",
            },
        ),
        delays(
            "Mean latency",
            "Dashed, what theory expects (docs/theory.md), the path from server to client left out: the feed's"
            " lag; with polling, half an interval; with long polling, what waits for a client that is away, gaps"
            " taken for even",
            {
                BY_TRANSPORT: "wirerace:delivery_latency_seconds:mean",
                f"{BY_TRANSPORT} theory": "wirerace:theory:latency_seconds",
            },
        ),
    ]


def _stale() -> list[Any]:
    return [
        graph(
            "How old is the newest update that a client has?",
            "Age of information, mean of all clients and of 30 seconds. Long polling and WebSocket differ by"
            " milliseconds: one line",
            "s",
            {BY_TRANSPORT: "wirerace:age_seconds:mean"},
        ),
        graph(
            "Deliveries a second",
            "Updates received, of all clients; one line while every update reaches every client",
            "suffix:updates/s",
            {BY_TRANSPORT: "wirerace:deliveries:rate"},
        ),
    ]


def _empty() -> list[Any]:
    return [
        graph(
            "How many answers bring nothing?",
            "Empty answers of all answers, mean of 20 seconds; a WebSocket is not asked. Begins half a minute after the"
            " clients came, for first answers are empty. Dashed, what theory expects of polling, if updates come as a"
            " Poisson process at the rate of the last minute: the chance of none in an interval",
            "percentunit",
            {
                BY_TRANSPORT: "wirerace:empty_responses:ratio",
                f"{BY_TRANSPORT} theory": "wirerace:theory:empty_responses:ratio",
            },
            empty=NOT_SETTLED,
        ),
        graph(
            "Requests a second",
            "Polls, held polls and handshakes, of all clients",
            "reqps",
            {BY_TRANSPORT: "wirerace:requests:rate"},
        ),
    ]


def _bytes() -> list[Any]:
    return [
        graph(
            "How many bytes does a delivery cost?",
            "Application layer, both directions, payload included; mean of two minutes. Begins half a minute after the"
            " clients came",
            "bytes",
            {BY_TRANSPORT: "wirerace:bytes_per_delivery"},
            empty=NOT_SETTLED,
        ),
        graph(
            "Bytes a second",
            "Application layer, both directions, of each server",
            "Bps",
            {
                BY_TRANSPORT: rate("wirerace_received_bytes_total", SERVER)
                + " + "
                + rate("wirerace_sent_bytes_total", SERVER)
            },
            empty=NO_PARTS,
        ),
    ]


def _cpu() -> list[Any]:
    return [
        graph(
            "How much CPU time does a delivery cost?",
            "User and system time of the server's process, mean of two minutes. Begins half a minute after the clients"
            " came. At few deliveries a second most of it is what scrapes and health checks cost, whatever the"
            " transport: compare under load",
            "s",
            {BY_TRANSPORT: "wirerace:cpu_seconds_per_delivery"},
            empty=NOT_SETTLED,
        ),
        graph(
            "Cores in use",
            "CPU time of each server's process, a second",
            "suffix:cores",
            {BY_TRANSPORT: rate("wirerace_cpu_seconds_total", SERVER)},
            empty=NO_PARTS,
        ),
    ]


def _memory() -> list[Any]:
    return [
        graph(
            "Resident memory",
            "Of each server's process, kept updates included. What a client costs is measured by an experiment,"
            " in a server that was started afresh",
            "bytes",
            {BY_TRANSPORT: f"process_resident_memory_bytes{{{SERVER}}}"},
            empty=NO_PARTS,
        ),
        graph(
            "Connections",
            "Clients connected to each server; equal numbers are one line",
            "suffix:clients",
            {BY_TRANSPORT: f"wirerace_clients{{{SERVER}}}"},
            empty=NO_PARTS,
        ),
    ]


def _lost() -> list[Any]:
    return [
        counts(
            "What is missing, came again, or out of order?",
            "Of all clients, since the test began; missing is what something newer has overtaken. 0 while all is well",
            "suffix:updates",
            {
                f"{BY_TRANSPORT} missing": "sum by (transport) (wirerace_load_missing)",
                f"{BY_TRANSPORT} again": "sum by (transport) (wirerace_load_duplicated_total)",
                f"{BY_TRANSPORT} out of order": "sum by (transport) (wirerace_load_reordered_total)",
            },
        ),
        counts(
            "Who was cut off?",
            "In the last minute: clients that read too slowly, connections that broke otherwise, and those that the"
            " load itself cut. 0 while all is well",
            "suffix:clients",
            {
                f"{BY_TRANSPORT} slow readers": _last_minute("wirerace_slow_readers_total", SERVER),
                f"{BY_TRANSPORT} broke": _last_minute("wirerace_load_breaks_total"),
                f"{BY_TRANSPORT} cut by the load": _last_minute("wirerace_load_cuts_total"),
            },
        ),
    ]


def _last_minute(metric: str, selector: str = "") -> str:
    return f"sum by (transport) (increase({metric}{{{selector}}}[1m]))"
