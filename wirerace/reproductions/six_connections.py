"""Six connections to a host: what the seventh tab of a browser receives by SSE over HTTP/1.1, and by WebSocket."""

from pathlib import Path
from typing import NamedTuple

from wirerace.experiment.model import Clients, Experiment, LoadOptions, WindowOptions
from wirerace.experiment.plans import plans_of
from wirerace.experiment.settings import Study
from wirerace.reproductions.check import Check, Found, Reproduction, between
from wirerace.runner.browsers.scene import States, scene
from wirerace.workload.schedule import Source

LIMIT = 6
TABS = LIMIT + 1
LONG_ENOUGH = 40
"""Updates that a tab receives while another one waits: two seconds of them."""

EXPERIMENT = Experiment(
    title="Six connections to a host",
    transports=["sse", "websocket"],
    producer=Source(rate_per_second=20.0, arrivals="periodic"),
    clients=Clients(count=1, browsers=TABS),
    load=LoadOptions(pin_cores=False),  # nothing is timed, and tabs open sooner on all cores
    window=WindowOptions(warmup_seconds=1.0, measure_seconds=5.0),
)


class Played(NamedTuple):
    """The tabs that receive while all are open, and after one of these was closed; the least that an open one has."""

    receiving: int
    after_one_closed: int
    least: int


def play(study: Study, directory: Path) -> list[Check]:
    """Open seven tabs of one browser, and of seven: return what they receive, beside what is published."""
    plans = {plan.transport.name: plan for plan in plans_of(study.settings[0], 1)}
    found: dict[tuple[str, bool], Played] = {}
    for name, one_profile in (("sse", True), ("sse", False), ("websocket", True)):
        with scene(study, plans[name], directory, one_profile=one_profile) as tabs:
            states = tabs.states_when(lambda states: receiving(states, LONG_ENOUGH) >= LIMIT)
            tabs.close(next((index for index, state in enumerate(states) if state.received), 0))
            after = tabs.states_when(lambda states: receiving(states, LONG_ENOUGH) >= TABS - 1)
            least = min(state.received for state in states)
            found[name, one_profile] = Played(receiving(states), receiving(after), least)
    return checks_of(found["sse", True], found["sse", False], found["websocket", True])


def receiving(states: States, least: int = 1) -> int:
    """Return the number of tabs that have received at least some updates."""
    return sum(state.received >= least for state in states)


def checks_of(shared: Played, apart: Played, push: Played) -> list[Check]:
    """Return the checks: SSE in tabs of one browser and of seven, and WebSocket in tabs of one."""
    derived = "7, derived"
    return [
        _exactly("SSE: tabs that receive, of seven", shared.receiving, "6", LIMIT),
        _exactly("SSE: updates that the seventh has", shared.least, "0, derived", 0),
        _exactly("SSE: the same, when one of the six has been closed", shared.after_one_closed, "6, derived", LIMIT),
        _exactly("SSE in seven browsers: tabs that receive", apart.receiving, derived, TABS),
        _exactly("WebSocket: tabs that receive, of seven", push.receiving, derived, TABS),
    ]


def _exactly(what: str, measured: int, published: str, of: int) -> Check:
    return between(Found(what, "count", measured), published, (of, of), "exactly")


REPRODUCTION = Reproduction(
    name="six-connections",
    line="the seventh tab of a browser receives nothing by SSE over HTTP/1.1",
    source=(
        "MDN Web Docs: EventSource, warning on the limit of six open connections to a domain without HTTP/2; WHATWG: "
        "HTML Standard, section 9.2.7, authoring notes on per-server connection limitations"
    ),
    setup=(
        "seven tabs of one Chromium, which share a profile, subscribe to one server over HTTP/1.1, with 20 updates a "
        "second; when six have received 40 updates, one of them is closed; the same with a profile for each tab, and "
        "over WebSocket"
    ),
    words=(
        "A browser opens six HTTP/1.1 connections to a host, and each event stream keeps one. The seventh tab sends "
        "nothing: its request waits in the browser until another tab is closed. No server can see it or repair it, and "
        "the tab gets no error. Any other request of these tabs to the same host would wait, too. Chromium does "
        "not count WebSockets among the six. Profiles share no connections, so the tabs of "
        "`clients.browsers` have one each and do not wait for each other. With HTTP/2 all tabs share one connection; "
        "that is not covered."
    ),
    experiment=EXPERIMENT,
    checks=lambda _: [],
    scene=play,
)
