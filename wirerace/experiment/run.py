"""Running an experiment: one trial after the other, each by the same steps, saved as soon as it is done."""

import importlib.metadata
import itertools
import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from wirerace import __version__
from wirerace.errors import TrialFailed
from wirerace.experiment.doctor import quick_checkup
from wirerace.experiment.model import Experiment, Plan, plans_of
from wirerace.experiment.progress import OnProgress, Reporter
from wirerace.experiment.record import FILE_NAME, Failure, Host, Raw, Result, write_json
from wirerace.experiment.steps import Steps, wait_until_healthy
from wirerace.experiment.targets.compose import Compose
from wirerace.experiment.targets.cores import cautions
from wirerace.experiment.targets.local import Local
from wirerace.experiment.trial import Trial

PACKAGES = ("aiohttp", "gevent", "httptools", "locust", "msgspec", "uvloop")

Place = Literal["local", "compose"]
Judge = Callable[[Experiment, Plan, Raw, Trial], Trial]
"""Returns the trial with what theory says of it, and a verdict."""


def run(
    experiment: Experiment, directory: Path, on_progress: OnProgress, judge: Judge, place: Place = "local"
) -> Result:
    """Run every trial on this machine and return the result, which is also in `directory`, trial by trial.

    `place` is where: in processes of its own, or in the stack's containers.

    A trial that cannot be completed is among the failures, and the next one begins; what cannot be left as it was found
    is among the warnings. Raises BadInput when this machine cannot run it.
    """
    result = Result(
        wirerace=__version__,
        experiment=msgspec.to_builtins(experiment),
        host=_host(),
        checkup=quick_checkup(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        warnings=cautions(experiment) if place == "local" else [],
    )
    target = Local(experiment, directory) if place == "local" else Compose(experiment)
    try:
        producer = target.start_producer()
        wait_until_healthy(producer)
        for index, plan in enumerate(_plans(experiment, result), 1):
            reporter = Reporter(on_progress, index, experiment, plan)
            _run_one(Steps(experiment, plan, target, producer.peer, reporter), plan, judge, directory, result)
    finally:
        close(target, directory, result)
    return result


def close(target: Local | Compose, directory: Path, result: Result) -> None:
    """Close the target; what was measured counts even when that fails."""
    try:
        target.close()
    except TrialFailed as error:
        result.warnings.append(str(error))
        write_json(directory / FILE_NAME, result)


def _run_one(steps: Steps, plan: Plan, judge: Judge, directory: Path, result: Result) -> None:
    """Run one trial and add it to the result, or why it could not be completed."""
    experiment = steps.experiment
    try:
        trial, raw = steps.run()
    except TrialFailed as error:
        result.failures.append(Failure(plan.transport.name, plan.repeat, str(error), plan.variant))
    else:
        write_json(directory / "raw" / f"{plan.name}.json", raw)
        result.trials.append(judge(experiment, plan, raw, trial))
    if experiment.valid_repeats is not None and not result.is_valid(plan.repeat):
        result.discarded.append(plan.repeat)
    write_json(directory / FILE_NAME, result)


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


def _host() -> Host:
    return Host(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
    )
