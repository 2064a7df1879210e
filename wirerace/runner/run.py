"""Running an experiment: one trial after the other, each by the same steps, saved as soon as it is done."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal

import msgspec

from wirerace import __version__
from wirerace.errors import BadInput, SystemFault, TrialFailed, WireraceError
from wirerace.experiment.model import Experiment, Plan, plans_of
from wirerace.host.cores import cautions
from wirerace.host.doctor import quick_checkup
from wirerace.host.provenance import host
from wirerace.record.result import ExperimentFile, Failure, Raw, Result
from wirerace.record.trial import Trial
from wirerace.runner.directory import RunDirectory
from wirerace.runner.progress import OnProgress, Reporter
from wirerace.runner.steps import TrialSteps, wait_until_healthy
from wirerace.runner.targets.compose import Compose
from wirerace.runner.targets.local import Local
from wirerace.stopping import whole

Place = Literal["local", "compose"]
Judge = Callable[[Experiment, Plan, Raw, Trial], Trial]
"""Returns the trial with what theory says of it, and a verdict."""


def run(  # noqa: PLR0913 -- a run is all of that
    experiment: Experiment,
    directory: RunDirectory,
    on_progress: OnProgress,
    judge: Judge,
    place: Place = "local",
    *,
    source: ExperimentFile | None = None,
) -> Result:
    """Run every trial on this machine and return the result, which is also in `directory`, trial by trial.

    `place` is where: in processes of its own, or in the stack's containers. `source` is the file of the experiment.

    A trial that cannot be completed is among the failures, and the next one begins; what cannot be left as it was found
    is among the warnings.

    Raises BadInput when this machine cannot run it, SystemFault when something cannot be written or started any more.
    """
    result = Result(
        wirerace=__version__,
        experiment=msgspec.to_builtins(experiment),
        experiment_file=source,
        host=host(),
        checkup=quick_checkup(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        warnings=cautions(experiment) if place == "local" else [],
    )
    target = Local(experiment, directory.path) if place == "local" else Compose(experiment)
    try:
        producer = target.start_producer()
        wait_until_healthy(producer)
        for index, plan in enumerate(_plans(experiment, result), 1):
            reporter = Reporter(on_progress, index, experiment, plan)
            _run_one(TrialSteps(experiment, plan, target, producer, reporter), plan, judge, directory, result)
    finally:
        with whole():
            close(target, directory, result)
    return result


def close(target: Local | Compose, directory: RunDirectory, result: Result) -> None:
    """Close the target; what was measured counts even when that fails."""
    try:
        target.close()
    except TrialFailed as error:
        result.warnings.append(str(error))
        directory.save(result)


def _run_one(steps: TrialSteps, plan: Plan, judge: Judge, directory: RunDirectory, result: Result) -> None:
    """Run one trial and add it to the result, or why it could not be completed."""
    experiment = steps.experiment
    try:
        trial, raw = steps.run()
    except (BadInput, SystemFault):
        raise
    except WireraceError as error:
        result.failures.append(Failure(plan.transport.name, plan.repeat, str(error), plan.variant))
    else:
        directory.save_raw(plan.name, raw)
        result.trials.append(judge(experiment, plan, raw, trial))
    if experiment.valid_repeats is not None and not result.is_valid(plan.repeat):
        result.discarded.append(plan.repeat)
    directory.save(result)


def _plans(experiment: Experiment, result: Result) -> Iterator[Plan]:
    """Yield what to run next: all repeats, or as many as it takes for enough valid ones.

    A repeat with an invalid trial is discarded as a whole, for transports are compared in pairs: it is not run to its
    end.
    """
    wanted = experiment.valid_repeats
    if wanted is None:
        for repeat in range(1, experiment.repeats + 1):
            yield from plans_of(experiment, repeat)
        return
    for repeat in itertools.count(1):
        if repeat - 1 - len(result.discarded) == wanted:
            return
        if repeat > experiment.tries:
            valid = repeat - 1 - len(result.discarded)
            result.warnings.append(f"only {valid} of {wanted} repeats were valid, in {experiment.tries} tries")
            return
        for plan in plans_of(experiment, repeat):
            yield plan
            if repeat in result.discarded:
                break
