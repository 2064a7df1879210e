"""One transport, from both ends."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard

from grafana.panels import SERVER, filled, graph, new_dashboard, quantile, rate
from wirerace.transports import TRANSPORTS

OF_ONE = 'transport="$transport"'


def transport() -> dashboard.Dashboard:
    """Return one transport in depth."""
    board = new_dashboard("transport", "One transport", "One transport from both ends: its clients and its server")
    variable = dashboard.CustomVariable("transport").label("Transport").values(",".join(TRANSPORTS))
    server = f'{{job="server", {OF_ONE}}}'
    rows: dict[str, list[Any]] = {
        "Its clients": [
            graph(
                "How late is an update?",
                "Delivery latency of all clients",
                "s",
                {
                    f"p{100 * fraction:g}": quantile(fraction, "wirerace_load_delivery_latency_seconds", OF_ONE)
                    for fraction in (0.5, 0.9, 0.99, 0.999)
                },
            ),
            graph(
                "Answers a second",
                "By what they brought",
                "reqps",
                {"{{outcome}}": rate("wirerace_load_responses_total", OF_ONE, "outcome")},
            ),
            graph(
                "Clients",
                "Subscribed, as the load counts them, and connected, as the server does",
                "short",
                {
                    "subscribed": f"sum(wirerace_load_clients{{{OF_ONE}}})",
                    "connected": f"wirerace_clients{server}",
                },
            ),
            graph(
                "Connections opened a second",
                "First ones, and those of clients that come back",
                "short",
                {"opened": rate("wirerace_load_connects_total", OF_ONE)},
            ),
        ],
        "Its server": [
            graph(
                "Deliveries a second",
                "Updates written to clients",
                "short",
                {"deliveries": f"rate(wirerace_deliveries_total{server}[10s])"},
            ),
            graph(
                "Requests held",
                "Held until there is an update, or their hold ends",
                "short",
                {"held": f"wirerace_held_requests{server}"},
            ),
            graph(
                "Bytes a second",
                "Application layer; heartbeats are in neither",
                "Bps",
                {
                    "received": f"rate(wirerace_received_bytes_total{server}[10s])",
                    "sent": f"rate(wirerace_sent_bytes_total{server}[10s])",
                    "heartbeats": f"rate(wirerace_heartbeat_bytes_total{server}[10s])",
                },
            ),
            graph(
                "How late does its event loop run?",
                "99th percentile of how much later than asked for a timer ran",
                "s",
                {"p99": quantile(0.99, "wirerace_event_loop_lag_seconds", f"{SERVER}, {OF_ONE}")},
            ),
        ],
    }
    return filled(board.with_variable(variable), rows)
