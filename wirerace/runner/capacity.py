"""What one load process can drive, from the cost of a poll and of a message in our own load at a moderate rate."""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from wirerace.analysis.measure import figures
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.experiment.plans import plans_of
from wirerace.experiment.settings import alone
from wirerace.record.checkup import Checkup
from wirerace.record.trial import Trial
from wirerace.runner.forecast import Forecast
from wirerace.runner.health import wait_until_healthy
from wirerace.runner.progress import OnProgress, Reporter
from wirerace.runner.steps import TrialSteps
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.target import Child
from wirerace.stopping import whole
from wirerace.system import blamed_on
from wirerace.transports.polling import PollingOptions
from wirerace.workload.schedule import Source

# 5,000 polls and 5,000 messages a second, with an update for each, take up to a third of a core. A busier process reads
# more each time it wakes, so the figures are lower bounds. Nearer to the limit they would depend on the machine's other
# work.
EXPERIMENT = Experiment(
    title="What one load process can drive",
    transports=["polling", "websocket"],
    producer=Source(rate_per_second=50.0, arrivals="periodic"),
    clients=Clients(count=100, spawn_per_second=500),
    options={"polling": PollingOptions(interval_seconds=0.02)},
    window=WindowOptions(warmup_seconds=0.3, measure_seconds=2.0),
)


class BriefSteps(TrialSteps):
    """The steps of a trial, without the seconds in which a server's cost at rest is measured."""

    def _idle(self, server: Child) -> float | None:  # noqa: ARG002 -- the base's signature
        return None


def with_capacity(checkup: Checkup, utilisation: float, on_progress: OnProgress) -> Checkup:
    """Return a checkup with the figures of the load and of the producer at work, too; it takes some ten seconds.

    The rates are those at which one load process would be busy for `utilisation` of its time. They are computed from
    the CPU time of a poll and of a message at a moderate rate, which other work on the machine hardly changes.

    Raises TrialFailed when a part does not start or ends, BadInput when the limit on open files is too low, and
    SystemFault when its logs cannot be written.
    """
    started = time.monotonic()
    with blamed_on("the directory for temporary files"):
        scratch = tempfile.TemporaryDirectory(prefix="wirerace-doctor-")
    with scratch as directory:
        polling, websocket = trials = _trials(Path(directory), on_progress)
    per_poll, per_message = _cost(polling, polling.requests), _cost(websocket, websocket.arrived)
    return msgspec.structs.replace(
        checkup,
        took_seconds=checkup.took_seconds + time.monotonic() - started,
        producer_late_seconds_mean=_worst(trial.producer.late_seconds_mean for trial in trials),
        producer_late_seconds_p99=_worst(trial.producer.late_seconds_p99 for trial in trials),
        load_seconds_per_poll=per_poll,
        load_seconds_per_message=per_message,
        polls_per_second=None if per_poll is None else utilisation / per_poll,
        messages_per_second=None if per_message is None else utilisation / per_message,
    )


def _trials(directory: Path, on_progress: OnProgress) -> list[Trial]:
    """Run polling and WebSocket, and return their trials in this order."""
    study, trials = alone(EXPERIMENT), []
    target, forecast = Local(study, directory), Forecast(study)
    try:
        producer = target.start_producer()
        wait_until_healthy(producer)
        plans = sorted(plans_of(EXPERIMENT, 1), key=lambda plan: EXPERIMENT.transports.index(plan.transport.name))
        for ran, plan in enumerate(plans):
            reporter = Reporter(on_progress, plan, ran, forecast.after(ran))
            trials.append(figures(plan, BriefSteps(plan, target, producer, reporter).run()))
    finally:
        with whole():
            target.close()
    return trials


def _cost(trial: Trial, operations: int) -> float | None:
    """Return the load's CPU time for each operation, in seconds; None when it was too busy to sample it."""
    cpu_seconds = trial.load.cpu_seconds
    return cpu_seconds / operations if cpu_seconds is not None and operations else None


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
