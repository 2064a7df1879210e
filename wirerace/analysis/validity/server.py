"""The server under test: whether it ran without a break, had a core, and answered."""

from collections.abc import Iterator
from typing import NamedTuple

from wirerace.analysis.validity.cores import starved, throttled
from wirerace.analysis.validity.finding import Evidence
from wirerace.observe.usage import difference
from wirerace.record.samples import ServerSample, do_span, span_seconds
from wirerace.record.trial import Finding


class Spent(NamedTuple):
    """What the server spent in `of_seconds`; None if it is not known."""

    cpu_seconds: float | None
    waited_seconds: float | None
    throttled_seconds: float | None
    of_seconds: float

    @property
    def waited_for_others_seconds(self) -> float | None:
        """How long something else had its core: the kernel counts the time without a quota as waiting, too."""
        if self.waited_seconds is None:
            return None
        return max(0.0, self.waited_seconds - (self.throttled_seconds or 0.0))


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the server's process."""
    samples, foreign = evidence.raw.measured.server, evidence.plan.contestant.server
    if foreign is not None:
        yield from _foreign(evidence)
    if samples is None:
        if evidence.ends("server"):
            yield Finding("unchecked", "what the server spent: it was started again, as the experiment asks")
        elif not evidence.trial.restarts:
            text = "the server's counters are not whole: it gave no answer, or something else started it again"
            yield Finding("reason", text, "nothing is known of its costs", "see the server's log in logs/")
        return
    spent = _spent(evidence, samples)
    if foreign is not None and spent.waited_seconds is None:  # said above
        return
    # Of replicas all times are sums, so each of them has its own window.
    replicas = max(1, len(evidence.trial.server.replicas))
    alike = f" ({replicas} replicas: where they share a core, they wait for each other)" if replicas > 1 else ""
    seconds = spent.of_seconds * replicas
    yield from starved(f"the server{alike}", spent.cpu_seconds, spent.waited_for_others_seconds, seconds)
    if foreign is None:
        yield from throttled("the server", spent.throttled_seconds, seconds)


def _foreign(evidence: Evidence) -> Iterator[Finding]:
    """Yield what is not known of a server that does not count for us."""
    server = evidence.trial.server
    missing = ["its bytes of application and payload, and its upkeep"]
    missing += ["its CPU time"] if server.cpu_seconds is None else []
    missing += ["its memory"] if server.user_bytes is None else []
    yield Finding("unchecked", f"not measured: a foreign server: {', '.join(missing)}")


def _spent(evidence: Evidence, samples: tuple[ServerSample, ServerSample]) -> Spent:
    """Return what was spent in the window, or between the samples if they miss its ends.

    The reason why the second sample came late may be the same that kept the server from its core. It must stay visible.
    """
    server, (before, after) = evidence.trial.server, samples
    if do_span(samples, evidence.raw.window):
        seconds = evidence.trial.window_seconds
        return Spent(server.cpu_seconds, server.waited_seconds, server.throttled_seconds, seconds)
    return Spent(
        difference(after.cpu_seconds, before.cpu_seconds),
        difference(after.waited_seconds, before.waited_seconds),
        difference(after.throttled_seconds, before.throttled_seconds),
        span_seconds(samples),
    )
