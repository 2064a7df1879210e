"""The clock: whether it was set in the window, and whether every arrival is after its making."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.clock import NS_PER_SECOND
from wirerace.record.clocks import Clocks
from wirerace.record.result import Raw
from wirerace.record.trial import Finding

ON_CLUSTER = "port 5558 of the producer's pod"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the wall clock."""
    yield from _steps(evidence)
    yield from _order(evidence)
    if evidence.raw.measured.far_servers:
        text = "a server ran on another node than the producer"
        why = "the lag of its feed is a difference of two clocks, and theory begins with it"
        yield Finding("doubt", text, why, "keep servers beside the producer (servers.besideProducer)")
    if evidence.trial.clocks is not None:
        yield from _hosts(evidence, evidence.trial.clocks, evidence.trial.latency_seconds.p50)


def _steps(evidence: Evidence) -> Iterator[Finding]:
    trial = evidence.trial
    median, stepped = trial.latency_seconds.p50, abs(trial.machine.clock_stepped_seconds)
    most = max(thresholds.CLOCK_STEP_OF_MEDIAN * (median or 0), thresholds.CLOCK_READING_SECONDS)
    if stepped > most:
        text = f"the wall clock was set by {milliseconds(stepped)} in the window"
        yield Finding("reason", text, "latencies are differences of it", "stop what sets the clock (NTP), and repeat")


def _order(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding if an update was received before it was made, by more than the clock can explain."""
    unsure = thresholds.CLOCK_READING_SECONDS + abs(evidence.trial.machine.clock_stepped_seconds)
    unsure += evidence.trial.clock_error_seconds or 0.0
    early = max(_early_seconds(evidence.raw), default=0.0)
    if early > unsure:
        text = f"an update was received {milliseconds(early)} before it was made"
        cure = "measure again; if it stays, compare with a packet capture: the stamps of this machine are wrong"
        yield Finding("reason", text, "nothing arrives before it is made, so latencies are too small", cure)


def _hosts(evidence: Evidence, clocks: Clocks, median: float | None) -> Iterator[Finding]:
    """Yield the findings about clocks of load hosts: unknown, not known well enough, or at odds with each other."""
    processes, load = evidence.trial.load.processes, evidence.experiment.load
    place = "the second of the three ports that begin with load.first_port" if load.address else ON_CLUSTER
    for host in clocks.hosts:
        if host.error_seconds is None:
            text = f"the clock of load host {host.host} ({host.address}) is unknown, because "
            text += f"{host.answers} of {host.probes} probes were answered" if host.probes else "it was not probed"
            yield Finding("reason", text, "latencies are differences of two clocks", f"let UDP through to {place}")
    if (missing := processes - clocks.processes) > 0:
        text = f"{missing} of {processes} load processes have reported nothing of their clocks"
        yield Finding("reason", text, "latencies are differences of two clocks", "see what they printed")
    if missing < 0:
        text = f"{clocks.processes} load processes took part, and load.processes is {processes}"
        why = "clients were shared out again when one came"
        yield Finding("reason", text, why, "start as many as load.processes says")
    error = clocks.error_seconds
    if error is not None and median is not None and median > 0:
        part = error / median
        text = f"clocks of load hosts are known to {milliseconds(error)}, which is {percent(part)} of median latency"
        yield from against(thresholds.CLOCK_ERROR_OF_MEDIAN, part, "", text)
    for triangle in clocks.triangles:
        around, within = triangle.sum_seconds, triangle.within_seconds
        if around is not None and within is not None and abs(around) > within:
            text = f"around {' and '.join(triangle.hosts)}, the clocks' differences sum to {milliseconds(around)}"
            why = f"it must be 0, to {milliseconds(within)}: a bound is wrong, or a clock was set"
            yield Finding("reason", text, why, "stop what sets the clocks (NTP), and repeat")


def _early_seconds(raw: Raw) -> Iterator[float]:
    """Yield how long before its making each update first arrived; negative is normal.

    Latency is counted from when an update was due; it was made `late_ns` after that.
    """
    if raw.account.latencies.min_ns is not None:
        yield -raw.account.latencies.min_ns / NS_PER_SECOND
    spread_of = raw.account.spread_of
    for made in raw.truth.epochs:
        for seq, late_ns in zip(made.seq, made.late_ns, strict=True):
            if (spread := spread_of.get((made.sequence, seq))) is not None:
                yield (late_ns - spread.least_ns) / NS_PER_SECOND
