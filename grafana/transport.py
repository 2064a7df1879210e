"""One transport, from both ends."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard

from grafana.panels import NO_PARTS, counts, delays, filled, graph, new_dashboard, quantile, rate
from grafana.signals import SERVER
from wirerace.transports import TRANSPORTS

OF_ONE = 'transport="$transport"'
AT_SERVER = f"{{{SERVER}, {OF_ONE}}}"
CUT_OFF = {
    "slow readers": "slow_readers",
    "requests not whole in time": "request_timeouts",
    "pings not answered": "ping_timeouts",
    "too many frames at once": "floods",
}
"""Why a server cuts a client off: legend to counter."""


def transport() -> dashboard.Dashboard:
    """Return one transport in depth."""
    board = new_dashboard("transport", "One transport", "One transport from both ends: its clients and its server")
    variable = dashboard.CustomVariable("transport").label("Transport").values(",".join(TRANSPORTS))
    rows = {
        "Its clients": _clients(),
        "Its server": _server(),
        "Clients that do not keep up": _trouble(),
    }
    return filled(board.with_variable(variable), rows)


def _clients() -> list[Any]:
    return [
        delays(
            "How late is an update?",
            "Delivery latency of all clients",
            {
                f"p{100 * fraction:g}": quantile(fraction, "wirerace_load_delivery_latency_seconds", OF_ONE)
                for fraction in (0.5, 0.9, 0.99, 0.999)
            },
        ),
        graph(
            "Answers a second",
            "By what they brought; a WebSocket is not asked, and has none",
            "suffix:answers/s",
            {"{{outcome}}": rate("wirerace_load_responses_total", OF_ONE, "outcome")},
        ),
        graph(
            "Clients",
            "Subscribed, as the load counts them, and connected, as the server does: one line while all is well",
            "suffix:clients",
            {
                "subscribed": f"sum(wirerace_load_clients{{{OF_ONE}}})",
                "connected": f"wirerace_clients{AT_SERVER}",
            },
            empty=NO_PARTS,
        ),
        graph(
            "Connections opened a second",
            "First ones, and those of clients that come back; 0 when all stay connected",
            "suffix:connections/s",
            {"opened": rate("wirerace_load_connects_total", OF_ONE)},
        ),
    ]


def _server() -> list[Any]:
    return [
        graph(
            "Deliveries a second",
            "Updates written to clients",
            "suffix:updates/s",
            {"deliveries": f"rate(wirerace_deliveries_total{AT_SERVER}[10s])"},
            empty=NO_PARTS,
        ),
        graph(
            "Requests held",
            "Held until there is an update, or their hold ends: mean of ten seconds. Long polling alone holds any",
            "suffix:requests",
            {"held": f"avg_over_time(wirerace_held_requests{AT_SERVER}[10s])"},
            empty=NO_PARTS,
        ),
        graph(
            "Bytes a second",
            "Application layer; heartbeats are in neither",
            "Bps",
            {
                name: f"rate(wirerace_{counter}_bytes_total{AT_SERVER}[10s])"
                for name, counter in (("received", "received"), ("sent", "sent"), ("heartbeats", "heartbeat"))
            },
            empty=NO_PARTS,
        ),
        graph(
            "Messages a second",
            "What clients sent, by its answer: accepted is the first acknowledgement of a message, repeated any other",
            "suffix:messages/s",
            {"{{outcome}}": rate("wirerace_messages_total", f"{SERVER}, {OF_ONE}", "outcome")},
            empty=NO_PARTS,
        ),
        delays(
            "How late does its event loop run?",
            "99th percentile of how much later than asked for a timer ran",
            {"p99": quantile(0.99, "wirerace_event_loop_lag_seconds", f"{SERVER}, {OF_ONE}")},
            empty=NO_PARTS,
        ),
    ]


def _trouble() -> list[Any]:
    cut = {legend: f"increase(wirerace_{name}_total{AT_SERVER}[1m])" for legend, name in CUT_OFF.items()}
    return [
        graph(
            "How many bytes wait for clients?",
            "In the server's process, beyond the kernel's buffers, for clients that read slowly; 0 while all keep up",
            "bytes",
            {"waiting": f"wirerace_waiting_bytes{AT_SERVER}"},
            empty=NO_PARTS,
        ),
        counts(
            "Whom did the server cut off?",
            "Clients of the last minute, by the reason; 0 while all is well",
            "suffix:clients",
            cut,
            empty=NO_PARTS,
        ),
        counts(
            "Which updates were superseded?",
            "In the last minute, of clients of the latest only: updates that were skipped for a newer one; 0 with"
            " deliver = all",
            "suffix:updates",
            {
                "by the server": f"increase(wirerace_superseded_total{AT_SERVER}[1m])",
                "by count of the clients": f"sum(increase(wirerace_load_superseded_total{{{OF_ONE}}}[1m]))",
            },
            empty=NO_PARTS,
        ),
    ]
