"""Running an experiment: one trial after the other, each by the same steps, judged and saved as soon as it is done."""

from datetime import UTC, datetime

from wirerace import __version__
from wirerace.analysis.capacity.found import capacities_of
from wirerace.analysis.judge import judged
from wirerace.errors import BadInput, SystemFault, TrialFailed, WireraceError
from wirerace.experiment.forwarding import notes_on
from wirerace.experiment.plans import contestants_of
from wirerace.experiment.settings import Setting, Study
from wirerace.host.cores import cautions
from wirerace.host.doctor import quick_checkup
from wirerace.record.result import ContestantRecord, Discarded, ExperimentFile, Failure, Point, Result
from wirerace.runner.directory import RunDirectory
from wirerace.runner.forecast import Forecast, Place
from wirerace.runner.health import wait_until_healthy
from wirerace.runner.hosting import host_of
from wirerace.runner.overload import AfterOverload
from wirerace.runner.planner import planner_of
from wirerace.runner.progress import OnProgress, Reporter
from wirerace.runner.steps import TrialSteps
from wirerace.runner.targets.hosts import local_target
from wirerace.runner.targets.target import Target
from wirerace.stopping import whole


def begun(study: Study, place: Place, source: ExperimentFile | None = None) -> Result:
    """Return the result of a run that begins now, without any trial; `source` is the file of the experiment."""
    return Result(
        wirerace=__version__,
        experiment=study.document,
        experiment_file=source,
        ran_on=place,
        host=host_of(study, place),
        checkup=None if place == "kubernetes" else quick_checkup(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        warnings=[*cautions(study, on_this_machine=place == "local"), *_notes(study)],
        contestants=[ContestantRecord(one.id, one.title, one.transport.name) for one in contestants_of(study.first)],
        points=[Point(setting.values) for setting in study.settings],
    )


def _notes(study: Study) -> list[str]:
    """Return what reverse proxies will do to contestants that one may not expect, a line each."""
    settings = (setting.experiment for setting in study.settings)
    return list(dict.fromkeys(note for one in settings for each in contestants_of(one) for note in notes_on(each)))


def run(study: Study, directory: RunDirectory, on_progress: OnProgress, result: Result) -> Result:
    """Run every trial that a result lacks and return it with them; it is also in `directory`, trial by trial.

    A trial that cannot be completed is added to the failures, and the next one begins. If the target cannot be left as
    it was found, a warning says so.

    Raises BadInput when this machine cannot run it, SystemFault when something cannot be written or started any more.
    """
    planner, place = planner_of(study), result.ran_on or "local"
    if planner.next(result) is None:
        return result
    forecast = Forecast(study, place)
    target = _target(study, place, directory, result.chart_values)
    try:
        result.host = target.described(result.host)
        producer = target.start_producer()
        wait_until_healthy(producer)
        while (plan := planner.next(result)) is not None:
            add_point(result, plan.setting)
            ran = len(result.trials) + len(result.failures)
            reporter = Reporter(on_progress, plan, ran, forecast.left(result), place)
            steps = TrialSteps if plan.setting.after is None else AfterOverload
            _run_one(steps(plan, target, producer, reporter), directory, result)
    finally:
        with whole():
            close(target, directory, result)
    warn_of_too_few(study, result)
    return result


def add_point(result: Result, setting: Setting) -> None:
    """Add the point of a setting that a search has found, if it is new."""
    if setting.number == len(result.points):
        after = {} if setting.after is None else setting.after.values
        result.points.append(Point(setting.values, after=after))


def _target(study: Study, place: Place, directory: RunDirectory, values: str) -> Target:
    if place == "compose":
        from wirerace.runner.targets.compose import Compose  # noqa: PLC0415 -- Docker's client takes long to import

        return Compose(study)
    if place == "kubernetes":
        from wirerace.runner.targets.kubernetes import Kubernetes  # noqa: PLC0415 -- it imports the same

        return Kubernetes(study, values)
    return local_target(study, directory.path)


def close(target: Target, directory: RunDirectory, result: Result) -> None:
    """Close the target. The measurements count even if that fails."""
    try:
        target.close()
    except TrialFailed as error:
        result.warnings.append(str(error))
        directory.save(result)


def _run_one(steps: TrialSteps, directory: RunDirectory, result: Result) -> None:
    """Run one trial. Add it to the result, or its failure if it could not be completed."""
    plan = steps.plan
    point = plan.setting.number
    try:
        raw = steps.run()
        trial = judged(plan, raw)
    except (BadInput, SystemFault):
        raise
    except WireraceError as error:
        part = error.part if isinstance(error, TrialFailed) else ""
        result.failures.append(Failure(plan.contestant.id, plan.repeat, str(error), point, part))
    else:
        directory.save_raw(plan.name, raw)
        result.trials.append(trial)
    if plan.experiment.valid_repeats is not None and not result.is_valid(point, plan.repeat):
        result.discarded.append(Discarded(point, plan.repeat))
    result.capacities = capacities_of(result)
    directory.save(result)


def warn_of_too_few(study: Study, result: Result) -> None:
    """Add a warning for every setting that has fewer valid repeats than were asked for."""
    wanted, tries = study.first.valid_repeats, study.first.tries
    for setting in study.settings if wanted is not None else ():
        discarded = sum(one.point == setting.number for one in result.discarded)
        valid = tries - discarded
        if discarded and valid < (wanted or 0):
            at = f" at {setting.title}" if setting.values else ""
            result.warnings.append(f"only {valid} of {wanted} repeats were valid{at}, in {tries} tries")
