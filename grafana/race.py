"""The race: transports side by side, one question a row."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard

from grafana.panels import BY_TRANSPORT, SERVER, figure, filled, graph, new_dashboard, rate


def race() -> dashboard.Dashboard:
    """Return the comparison: one question a row, transports side by side."""
    board = new_dashboard(
        "race", "The race", "Transports side by side: what clients see, and what it costs the servers"
    )
    rows: dict[str, list[Any]] = {
        "": [
            figure("Clients", "Clients subscribed now", "short", {BY_TRANSPORT: "wirerace:clients"}),
            figure(
                "Median latency",
                "Half of all updates are no later",
                "s",
                {BY_TRANSPORT: "wirerace:delivery_latency_seconds:p50"},
            ),
            figure(
                "Deliveries a second",
                "Updates received, of all clients",
                "short",
                {BY_TRANSPORT: "wirerace:deliveries:rate"},
            ),
            figure(
                "Faults",
                "Updates missing, received again, or out of order, since the test began",
                "short",
                {BY_TRANSPORT: "wirerace:faults"},
            ),
        ],
        "How late?": [
            graph(
                "How late is an update?",
                "From the intended time of making to arrival at the client: median, and the latest hundredth",
                "s",
                {
                    f"{BY_TRANSPORT} p50": "wirerace:delivery_latency_seconds:p50",
                    f"{BY_TRANSPORT} p99": "wirerace:delivery_latency_seconds:p99",
                },
            ),
            graph(
                "Mean latency",
                "Dashed, what theory expects (docs/theory.md), the way from server to client left out: the feed's"
                " lag; with polling, half an interval; with long polling, what waits for a client that is away, gaps"
                " taken for even",
                "s",
                {
                    BY_TRANSPORT: "wirerace:delivery_latency_seconds:mean",
                    f"{BY_TRANSPORT} theory": "wirerace:theory:latency_seconds",
                },
            ),
        ],
        "How stale?": [
            graph(
                "How old is the newest update that a client has?",
                "Age of information, mean of all clients",
                "s",
                {BY_TRANSPORT: "wirerace:age_seconds:mean"},
            ),
            graph(
                "Deliveries a second",
                "Updates received, of all clients",
                "short",
                {BY_TRANSPORT: "wirerace:deliveries:rate"},
            ),
        ],
        "How many empty answers?": [
            graph(
                "How many answers bring nothing?",
                "Empty answers of all answers; a WebSocket is not asked. Dashed, what theory expects of polling, if"
                " updates come as a Poisson process at the rate of the last minute: the chance of none in an"
                " interval",
                "percentunit",
                {
                    BY_TRANSPORT: "wirerace:empty_responses:ratio",
                    f"{BY_TRANSPORT} theory": "wirerace:theory:empty_responses:ratio",
                },
            ),
            graph(
                "Requests a second",
                "Polls, held polls and handshakes, of all clients",
                "reqps",
                {BY_TRANSPORT: "wirerace:requests:rate"},
            ),
        ],
        "How many bytes?": [
            graph(
                "How many bytes does a delivery cost?",
                "Application layer, both directions, payload included; mean of two minutes",
                "bytes",
                {BY_TRANSPORT: "wirerace:bytes_per_delivery"},
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
            ),
        ],
        "How much CPU?": [
            graph(
                "How much CPU time does a delivery cost?",
                "User and system time of the server's process, mean of two minutes. At few deliveries a second most"
                " of it is what scrapes and health checks cost, whatever the transport: compare under load",
                "s",
                {BY_TRANSPORT: "wirerace:cpu_seconds_per_delivery"},
            ),
            graph(
                "Cores in use",
                "CPU time of each server's process, a second",
                "short",
                {BY_TRANSPORT: rate("wirerace_cpu_seconds_total", SERVER)},
            ),
        ],
        "How much memory?": [
            graph(
                "Resident memory",
                "Of each server's process, kept updates included. What a client costs is measured by an experiment,"
                " in a server that was started afresh",
                "bytes",
                {BY_TRANSPORT: 'process_resident_memory_bytes{job="server"}'},
            ),
            graph(
                "Connections",
                "Clients connected to each server",
                "short",
                {BY_TRANSPORT: 'wirerace_clients{job="server"}'},
            ),
        ],
        "Anything lost?": [
            graph(
                "What is missing, came again, or out of order?",
                "Of all clients, since the test began; missing is what something newer has overtaken",
                "short",
                {
                    f"{BY_TRANSPORT} missing": "sum by (transport) (wirerace_load_missing)",
                    f"{BY_TRANSPORT} again": "sum by (transport) (wirerace_load_duplicated_total)",
                    f"{BY_TRANSPORT} out of order": "sum by (transport) (wirerace_load_reordered_total)",
                },
            ),
            graph(
                "Who was cut off?",
                "Clients that read too slowly, a second, and connections that the load itself cut",
                "short",
                {
                    f"{BY_TRANSPORT} slow readers": rate("wirerace_slow_readers_total", SERVER),
                    f"{BY_TRANSPORT} cut by the load": rate("wirerace_load_cuts_total"),
                },
            ),
        ],
    }
    return filled(board, rows)
