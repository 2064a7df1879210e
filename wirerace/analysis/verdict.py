"""The verdict: whether a trial is to be believed, and if not, why not. A check that cannot be made is named."""

import math
from collections.abc import Iterator
from statistics import linear_regression
from typing import Literal, NamedTuple

from wirerace.analysis import thresholds
from wirerace.analysis.student import probability_within
from wirerace.analysis.thresholds import Limit
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.record import Raw
from wirerace.experiment.trial import Trial, Verdict

Weight = Literal["reason", "doubt", "unchecked"]


class Finding(NamedTuple):
    """What a check has found: a reason why a trial is invalid, a doubt, or that it could not look."""

    weight: Weight
    text: str


def verdict(trial: Trial, raw: Raw, wanted_clients: int, stalled_seconds: float = 0.0) -> Verdict:
    """Return the verdict on a trial, whose theory has been computed, and which was to have so many clients.

    For `stalled_seconds` of its window the server was made to stand still.
    """
    found: dict[Weight, list[str]] = {"reason": [], "doubt": [], "unchecked": []}
    for check in (_load, _arrivals, _machine, _server, _producer, _network, _clock, _percentiles, _trend):
        for weight, text in check(trial, raw):
            found[weight].append(text)
    for weight, text in (*_polls(trial, stalled_seconds), *_clients(trial, wanted_clients)):
        found[weight].append(text)
    for weight, text in _theory(trial, explained=bool(found["reason"] or found["doubt"])):
        found[weight].append(text)
    return Verdict(not found["reason"], found["reason"], found["doubt"], found["unchecked"])


def against(limit: Limit, value: float | None, name: str, spelled: str) -> Iterator[Finding]:
    """Yield what a value means that must not be above a limit; `spelled` says what it is, `name` what is unknown."""
    if value is None:
        yield Finding("unchecked", name)
    elif limit.invalid is not None and value > limit.invalid:
        yield Finding("reason", f"{spelled}: {limit.why}")
    elif limit.doubt is not None and value > limit.doubt:
        yield Finding("doubt", f"{spelled}: {limit.why}")


def percent(fraction: float | None) -> str:
    """Return a fraction as people read it."""
    return "" if fraction is None else f"{100 * fraction:.3g} %"


def milliseconds(seconds: float | None) -> str:
    """Return a duration as people read it."""
    return "" if seconds is None else f"{1000 * seconds:.3g} ms"


def _load(trial: Trial, raw: Raw) -> Iterator[Finding]:
    load, seconds, processes = trial.load, trial.window_seconds, raw.account.processes
    if len(processes) < load.processes:
        late = load.processes - len(processes)
        text = f"{late} load processes were too late to sample themselves at the window's end"
        yield Finding("reason", f"{text}: {thresholds.LOAD_UTILISATION.why}")
        return
    busiest = load.busiest_utilisation
    yield from against(
        thresholds.LOAD_UTILISATION,
        busiest,
        "the load's CPU time",
        f"a load process had work {percent(busiest)} of the time",
    )
    yield from _starved("the load", load.cpu_seconds, load.waited_seconds, seconds)
    throttled = [process.throttled_seconds for process in processes if process.throttled_seconds is not None]
    yield from _throttled("the load", max(throttled) if len(throttled) == len(processes) else None, seconds)


def _arrivals(trial: Trial, raw: Raw) -> Iterator[Finding]:
    if trial.clock == "user":
        yield Finding("doubt", "arrivals are read from the user-space clock: the reader's lag is in every latency")
        yield Finding("unchecked", "reader lag")
        return
    lag = trial.reader_lag_seconds.p99
    text = f"1 % of readings came {milliseconds(lag)} after their arrival or later"
    yield from against(thresholds.READER_LAG_P99_SECONDS, lag, "reader lag", text)
    if trial.delivered:
        bounded = (trial.upper_bounds + raw.account.unstamped) / trial.delivered
        text = f"{percent(bounded)} of arrivals may have been earlier than their stamp"
        yield from against(thresholds.BOUNDED_FRACTION, bounded, "stamps", text)


def _machine(trial: Trial, _raw: Raw) -> Iterator[Finding]:
    machine = trial.machine
    for limit, cores, name, text in (
        (thresholds.OTHERS_FRACTION, machine.others_cores, "what other processes used", "other processes used"),
        (thresholds.STOLEN_FRACTION, machine.stolen_cores, "what the hypervisor took", "the hypervisor took"),
    ):
        fraction = None if cores is None else cores / machine.cores
        yield from against(limit, fraction, name, f"{text} {cores or 0:.2f} of {machine.cores} cores")
    stalled = machine.memory_stalled_fraction
    text = f"somebody waited for memory {percent(stalled)} of the time"
    yield from against(thresholds.MEMORY_STALLED_FRACTION, stalled, "memory pressure", text)


def _server(trial: Trial, _raw: Raw) -> Iterator[Finding]:
    server = trial.server
    if trial.restarts:
        times = f"{trial.restarts} times"
        yield Finding("doubt", f"the server died and was started again, {times}: clients had to come back")
    if trial.restarts and server.cpu_seconds is None:
        return
    yield from _starved("the server", server.cpu_seconds, server.waited_seconds, trial.window_seconds)
    yield from _throttled("the server", server.throttled_seconds, trial.window_seconds)


def _starved(who: str, ran: float | None, waited: float | None, window_seconds: float) -> Iterator[Finding]:
    if ran is None or waited is None:
        yield Finding("unchecked", f"how long {who} waited for a core")
    elif waited > thresholds.STARVED_LEAST * window_seconds:
        fraction = waited / (waited + ran)
        text = f"{who} had no core {percent(fraction)} of the time that it wanted one"
        yield from against(thresholds.STARVED_FRACTION, fraction, who, text)


def _throttled(who: str, throttled: float | None, of_seconds: float) -> Iterator[Finding]:
    fraction = None if throttled is None else throttled / of_seconds
    text = f"{who} was throttled {percent(fraction)} of the time"
    yield from against(thresholds.THROTTLED_FRACTION, fraction, f"throttling of {who}", text)


def _producer(trial: Trial, raw: Raw) -> Iterator[Finding]:
    if len(raw.truth.epochs) > 1:
        yield Finding("reason", "the producer died and was started again: what was due meanwhile was never made")
    late = trial.producer.late_seconds_p99
    if trial.updates:
        text = f"1 % of updates were made {milliseconds(late)} late or later"
        yield from against(thresholds.PRODUCER_LATE_P99_SECONDS, late, "the producer's lateness", text)


def _polls(trial: Trial, stalled_seconds: float) -> Iterator[Finding]:
    if trial.requests:
        # Polls that fall due while the server stands still are to be late: that is what is measured.
        late = max(0.0, trial.late_polls / trial.requests - stalled_seconds / trial.window_seconds)
        text = f"{percent(late)} of polls left late, or never"
        yield from against(thresholds.LATE_POLLS_FRACTION, late, "late polls", text)
    if errors := trial.responses["error"]:
        yield Finding("doubt", f"{errors} requests were refused with an error")


def _network(trial: Trial, _raw: Raw) -> Iterator[Finding]:
    segments_in, segments_out, again = trial.bytes.segments_in, trial.bytes.segments_out, trial.bytes.retransmitted
    segments = (segments_in or 0) + (segments_out or 0)
    fraction = None if again is None or segments_in is None else again / max(segments, again, 1)
    text = f"{again} segments were sent again beside {segments} of the trial"
    yield from against(thresholds.RETRANSMITTED_FRACTION, fraction, "retransmissions", text)


def _clock(trial: Trial, _raw: Raw) -> Iterator[Finding]:
    median, stepped = trial.latency_seconds.p50, abs(trial.machine.clock_stepped_seconds)
    most = max(thresholds.CLOCK_STEP_OF_MEDIAN * (median or 0), thresholds.CLOCK_READING_SECONDS)
    if stepped > most:
        text = f"the wall clock was set by {milliseconds(stepped)} in the window"
        yield Finding("reason", f"{text}: latencies are differences of it")


def _percentiles(trial: Trial, raw: Raw) -> Iterator[Finding]:
    """Count the distinct updates beyond each percentile: all clients hear the same ones."""
    worst = [heard.most_ns for heard in raw.account.heard]
    known = {name: getattr(trial.latency_seconds, name) for name in ("p50", "p90", "p99", "p999")}
    beyond = {name: sum(most_ns > to_ns(value) for most_ns in worst) for name, value in known.items() if value}
    few = [f"{name} ({count})" for name, count in beyond.items() if count < thresholds.LEAST_UPDATES_BEYOND]
    if few:
        least = thresholds.LEAST_UPDATES_BEYOND
        yield Finding("doubt", f"fewer than {least} updates lie beyond {', '.join(few)}: a longer window has more")


def _trend(trial: Trial, raw: Raw) -> Iterator[Finding]:
    """Warm-up is over when latency has no trend left in the window: compare the means of its tenths."""
    bins: list[list[float]] = [[] for _ in range(thresholds.TREND_BINS)]
    from_ns, to_ns_ = raw.window
    made_at = raw.truth.made_at
    for epoch, of_epoch in raw.account.updates.items():
        for seq, heard in of_epoch.items():
            place = (made_at[epoch, seq] - from_ns) * thresholds.TREND_BINS // (to_ns_ - from_ns)
            bins[place].append(heard.sum_ns / heard.clients / NS_PER_SECOND)
    means = [sum(latencies) / len(latencies) for latencies in bins if latencies]
    if len(means) < thresholds.TREND_BINS:
        if trial.updates:
            yield Finding("unchecked", "a trend of the latency in the window: some of its tenths have no update")
        return
    third = len(means) // 3
    change = (sum(means[-third:]) - sum(means[:third])) / third / (sum(means) / len(means))
    if abs(change) > thresholds.TREND_CHANGE and _is_slope(means):
        way = "rises" if change > 0 else "falls"
        yield Finding("doubt", f"latency {way} by {percent(abs(change))} over the window: it has not settled")


def _is_slope(values: list[float]) -> bool:
    """Tell whether a straight line through values that follow each other rises or falls by more than luck."""
    line = linear_regression(range(len(values)), values)
    errors = [value - line.intercept - line.slope * index for index, value in enumerate(values)]
    freedom = len(values) - 2
    noise = math.sqrt(sum(error**2 for error in errors) / freedom)
    spread = math.sqrt(sum((index - (len(values) - 1) / 2) ** 2 for index in range(len(values))))
    return not noise or probability_within(abs(line.slope) * spread / noise, freedom) > thresholds.TREND_SURE


def _clients(trial: Trial, wanted: int) -> Iterator[Finding]:
    broken = trial.return_seconds.count - trial.cuts
    if broken > 0:
        yield Finding("doubt", f"connections broke {broken} times, or could not be opened: clients were away meanwhile")
    if trial.clients < wanted:
        yield Finding("reason", f"only {trial.clients} of {wanted} clients were there: it is another load")
    if trial.failed_connects:
        yield Finding("reason", f"clients failed to connect {trial.failed_connects} times: they came later than meant")


def _theory(trial: Trial, *, explained: bool) -> Iterator[Finding]:
    """Name what is outside its tolerance, and whether anything else was found that may be why."""
    for cell in trial.theory:
        if cell.within is False:
            name = cell.quantity.removesuffix("_seconds").replace("_", " ")
            ratio = "" if cell.ratio is None else f", {cell.ratio:.3g} × the prediction"
            cause = "see the other findings" if explained else "nothing else was found that would explain it"
            yield Finding("doubt", f"{name} is outside of what theory allows{ratio}: {cause}")
