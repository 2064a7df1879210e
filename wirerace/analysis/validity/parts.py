"""The parts of a trial: whether each of them ran without a break, and whether the run itself looked in time."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, seconds
from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.faults import Fault
from wirerace.record.samples import off_seconds
from wirerace.record.trial import Finding

ITSELF, REVERSE = "wirerace", "reverse proxy"
SEE_LOGS = "see its log in logs/"
NAMES = {
    "producer": "the producer",
    "server": "the server",
    "broker": "the broker",
    "publisher": "the publisher",
    "load": "the load",
    "proxy": "the proxy",
    REVERSE: "the reverse proxy",
    "browser": "the browser",
    ITSELF: "wirerace itself",
}
RESTARTED = {
    "producer": "what was due meanwhile was never made",
    "broker": "what was made meanwhile came later",
    "publisher": "what was made meanwhile was never published",
    "server": "clients had to come back",
    "proxy": "clients had to come back",
    REVERSE: "clients had to come back",
}


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about every part."""
    for name, part in evidence.trial.parts.items():
        who, still = NAMES.get(name, name), part.still_seconds
        asked = sum(_ends_asked(evidence, name))
        if part.restarts > asked:
            times = "once" if part.restarts == 1 else f"{part.restarts} times"
            why = RESTARTED.get(name, "it is another one")
            yield Finding("reason", f"{who} died and was started again, {times}", why, SEE_LOGS, name)
        if name == ITSELF:
            text = f"{who} stood still, or had other work, for {seconds(still)}"
            yield from against(thresholds.UNWATCHED_SECONDS, still, "whether wirerace looked in time", text, name)
        elif all(
            fault.kind != "stall" for fault in _faults_on(evidence, name)
        ):  # a stall that is asked for is what is measured
            text = f"{who} was stopped by a signal, for {seconds(still)} at least"
            yield from against(thresholds.STILL_SECONDS, still, f"whether {who} stood still", text, name)
    yield from _spans(evidence)


def _ends_asked(evidence: Evidence, name: str) -> Iterator[int]:
    """Yield how often each fault ends a part: a restart of the server is that of each replica, one after the other."""
    for fault in _faults_on(evidence, name):
        rolls = fault.kind == "restart" and name == "server"
        yield fault.ends_a_part * (evidence.experiment.servers.replicas if rolls else 1)


def _faults_on(evidence: Evidence, name: str) -> list[Fault]:
    """Return the experiment's faults on a part. The proxy of a fault is the reverse proxy, if there is one."""
    proxy = REVERSE if evidence.raw.path.has_reverse_proxy else "proxy"
    return [fault for fault in evidence.experiment.faults if (proxy if fault.on == "proxy" else fault.on) == name]


def _spans(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about samples that miss the ends of the window; one cause often makes several of them late."""
    window = evidence.raw.window
    off = dict(_off_seconds(evidence))
    worst = max(off.values())
    late = [what for what, seconds_off in off.items() if seconds_off >= worst / 2]
    text = f"{' and '.join(late)} {'was' if len(late) == 1 else 'were'} sampled {seconds(worst)} off the window's ends"
    # A server that is overloaded answers late. So it is sampled late, and whatever is sampled after it, too.
    is_server = off.get("the server", 0.0) > (thresholds.SPAN_OFF_FRACTION.doubt or 0.0) * window.seconds
    part = "server" if is_server else "machine"
    yield from against(thresholds.SPAN_OFF_FRACTION, worst / window.seconds, "when samples were taken", text, part)


def _off_seconds(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield by how much samples miss the ends of the window: the server's, the machine's, the worst of the load's."""
    measured, window = evidence.raw.measured, evidence.raw.window
    if measured.server is not None:
        yield "the server", off_seconds(measured.server, window)
    yield "the machine", off_seconds(measured.machine, window)
    is_ended = evidence.ends("proxy") and not evidence.raw.path.has_reverse_proxy
    if (proxy := measured.proxy) is not None and not is_ended:
        off_ns = abs(proxy.began_ns - window.from_ns) + abs(proxy.ended_ns - window.to_ns)
        yield "the proxy", off_ns / NS_PER_SECOND
    processes = evidence.raw.account.processes
    if processes:
        off_ns = max(abs(one.from_ns - window.from_ns) + abs(one.to_ns - window.to_ns) for one in processes)
        yield "the load", off_ns / NS_PER_SECOND
