"""An idle timeout between clients and server: which transports it cuts off, how often, and what that loses: nothing."""

from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.reproductions.check import Check, Found, Outcome, Outcomes, Reproduction, between, near
from wirerace.workload.schedule import Source

SCALE = 24
"""nginx closes after 60 s without a byte. Here everything is 24 times as fast."""
TIMEOUT_SECONDS = 60.0 / SCALE
UPDATE_SECONDS = 4.0
"""Between two updates: longer than the timeout once, and not twice."""
CUT, KEPT = ("longpolling", "websocket"), ("websocket-ping", "sse")

EXPERIMENT = Experiment(
    title="An idle timeout, 24 times as fast as nginx's",
    transports=["longpolling", "websocket"],
    contestants=[
        ContestantTable(
            id="websocket-ping",
            title="WebSocket with pings",
            transport="websocket",
            options={"ping_interval_seconds": 15.0 / SCALE},
        ),
        ContestantTable(id="sse", title="SSE", transport="sse", options={"heartbeat_seconds": 15.0 / SCALE}),
    ],
    path="impatient",
    paths={"impatient": NetworkPath(idle_timeout_seconds=TIMEOUT_SECONDS)},
    producer=Source(rate_per_second=1 / UPDATE_SECONDS, arrivals="periodic"),
    clients=Clients(count=50),
    window=WindowOptions(warmup_seconds=1.0, measure_seconds=12.0),
)


def checks(outcomes: Outcomes) -> list[Check]:
    """Return how often each contestant is cut off between two updates, and what it loses."""
    titles = {"longpolling": "long polling", "websocket": "WebSocket", "websocket-ping": "with pings", "sse": "SSE"}
    found = []
    for name in CUT:
        what = f"{titles[name]}: connections closed, for each client and update"
        found.append(near(Found(what, "ratio", _closed(outcomes[name])), "1: once in each gap, derived", 1.0, 10))
    found += [
        between(Found(f"{titles[name]}: the same", "ratio", _closed(outcomes[name])), "0", (0, 0), "0") for name in KEPT
    ]
    back = outcomes["websocket"].trial.return_seconds.mean
    found.append(between(Found("WebSocket: back after a break", "seconds", back), "soon", (0, 1), "below 1 s"))
    found += [
        between(Found(f"{titles[name]}: lost", "count", outcomes[name].trial.lost), "0", (0, 0), "0")
        for name in (*CUT, *KEPT)
    ]
    return found


def _closed(outcome: Outcome) -> float | None:
    """Return how many connections were closed, for each client and update of the window."""
    trial = outcome.trial
    return trial.breaks / trial.client_seconds * UPDATE_SECONDS if trial.client_seconds else None


REPRODUCTION = Reproduction(
    name="idle-timeout",
    line="a proxy that closes idle connections cuts off whatever is quiet, and nothing is lost",
    source="nginx, proxy_read_timeout, 60 s by default; nginx.org/en/docs/http/ngx_http_proxy_module.html",
    setup=(
        "50 clients, an update every 4 s, through a link that closes a connection after 2.5 s without a byte: nginx's "
        "60 s, 24 times as fast, as are the 15 s between heartbeats of SSE and between pings"
    ),
    words=(
        "nginx counts the time since the server's last byte, and closes. A WebSocket without pings says nothing "
        "between updates, so each gap that is longer than the timeout ends it, once or several times. A long poll "
        "that is held for longer ends the same way (nginx answers 504, which an application sees as an error). "
        "Heartbeats, which SSE has and a WebSocket must be asked for, keep the connection. Both sides learn of the "
        "end at once, because it is closed in order; the client is back after its backoff, and its cursor brings "
        "what was made meanwhile. A translator that forgets a connection silently is another matter: then only the "
        "client's own timers notice."
    ),
    experiment=EXPERIMENT,
    checks=checks,
)
