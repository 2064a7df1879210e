"""`wirerace run`: run an experiment on this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wirerace.analysis.aggregate import summarise
from wirerace.analysis.capacity.found import capacities_of
from wirerace.analysis.crossing import crossings_of
from wirerace.analysis.objectives import check_objectives, objectives_of
from wirerace.analysis.sending import sending_of
from wirerace.cli.planning import confirm, print_plan
from wirerace.errors import BadInput, printable
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import trace_of
from wirerace.experiment.reading import read_experiment
from wirerace.experiment.settings import Study
from wirerace.host.cores import cautions, refuse_quota_beyond, usable_cores
from wirerace.host.provenance import experiment_file
from wirerace.record.result import Result
from wirerace.report.capacity import is_found
from wirerace.report.html.saving import report_on, reported_if_stopped
from wirerace.report.junit import check_place, save_junit
from wirerace.report.progress import progress_display
from wirerace.report.settings import at_point
from wirerace.report.terminal import print_result
from wirerace.runner.directory import RunDirectory, claimed, resumed
from wirerace.runner.forecast import Place
from wirerace.runner.resuming import begun_before
from wirerace.runner.run import begun, run

NOT_WHOLE, INVALID, MISSED = 1, 3, 4


def command(  # noqa: PLR0913, PLR0917 -- each is an option of the command line
    file: Annotated[
        Path | None, typer.Argument(help="The experiment, a TOML file; experiments/ has some.", metavar="FILE")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Override one key, for example clients.count=500; a list is a sweep.", metavar="KEY=VALUE"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for this run; must be new or empty. Default: results/NAME-TIME.")
    ] = None,
    on: Annotated[
        Place,
        typer.Option(
            "--on",
            help="Where to run: new local processes, the containers of docker compose, or pods of a cluster.",
        ),
    ] = "local",
    values: Annotated[
        Path | None,
        typer.Option(help="Values for the chart, with --on kubernetes: images, sizes, nodes.", metavar="FILE"),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Continue the interrupted run in this directory.", metavar="DIR")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and the resolved experiment, and run nothing.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before a run of 100 trials or an hour, or more.")
    ] = False,
    allow_invalid: Annotated[
        bool,
        typer.Option("--allow-invalid", help="Exit with 0 even if a trial is invalid. The verdict is still printed."),
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Print every figure, not only the answer.")] = False,
    junit: Annotated[
        Path | None, typer.Option(help="Write objectives and verdict as JUnit XML, for a CI server.", metavar="FILE")
    ] = None,
) -> None:
    """Run an experiment: real processes on loopback, one trial after the other, then the answer.

    **Examples:**

        wirerace run experiments/first-look.toml

        wirerace run experiments/first-look.toml --set clients.count=500 --set 'transports=["websocket"]'

        wirerace run experiments/first-look.toml --set 'clients.count=[50, 100, 200]' --dry-run

        wirerace run --resume results/latest

        wirerace run experiments/first-look.toml --on compose

        wirerace run experiments/first-look.toml --on kubernetes --values cluster.yaml

        wirerace run experiments/first-look.toml --set 'objectives=["latency.p99 < 0.2"]' --junit junit.xml

    Exit codes: 0 all trials are complete and valid; 1 a trial could not be completed, or lost, duplicated or reordered
    updates; 2 bad input; 3 a trial is invalid, or too few repeats were valid; 4 an objective of the experiment is not
    met, whatever else there is; 5 the system refused something: a full disk, no permission to write, too many open
    files; 129 SIGHUP; 130 Ctrl-C; 143 SIGTERM. Finished trials are saved in any case.

    A search for capacity returns 0 if every contestant has an answer: an interval, "less than" the file's own value, or
    "at least" the highest value that was tried; 3 if for one of them something else than its server gave out, so that
    "at least" is no answer, or if it has not ended; 1 if no trial could be completed. It never returns 4.
    """
    if junit is not None:
        check_place(junit)
    if resume is not None:
        if file is not None or overrides or out is not None or on != "local" or dry_run:
            raise BadInput("--resume continues a run as it was begun: leave out FILE, --set, --out, --on and --dry-run")
        with resumed(resume) as directory:
            study, result = begun_before(resume)
            _take_values(values, result)
            _check(study, resume, result.ran_on or "local")
            warned = len(result.warnings)
            confirm(study, result, result.ran_on or "local", yes=yes)
            _finish(study, directory, result)
    else:
        if file is None:
            raise BadInput("Missing argument 'FILE'; try --help")
        given = _values_in(values, on)
        study = read_experiment(file, overrides or ())
        _check(study, file, on)
        say_what_is_played(study.first)
        if dry_run:
            print_plan(study, on)
            return
        foreseen = cautions(study, on_this_machine=on == "local")
        warned = len(foreseen)
        confirm(study, None, on, yes=yes)
        with claimed(file.stem, out) as directory:
            for caution in foreseen:
                sys.stderr.write(f"wirerace: warning: {caution}\n")
            result = begun(study, on, experiment_file(file))
            result.chart_values = given
            _finish(study, directory, result)
    _warn(result, warned)
    print_result(result, directory.result_file, full=full)
    if junit is not None:
        save_junit(result, junit, allow_invalid=allow_invalid)
    raise typer.Exit(exit_code(result, allow_invalid=allow_invalid))


def _warn(result: Result, warned: int) -> None:
    """Write what went wrong to stderr, before the answer: that is last on the screen."""
    for caution in result.warnings[warned:]:
        sys.stderr.write(f"wirerace: warning: {caution}\n")
    for failure in result.failures:
        name = f"{failure.contestant}{at_point(result, failure.point)}, repeat {failure.repeat}"
        sys.stderr.write(f"wirerace: {name}: {failure.reason}\n")


def _finish(study: Study, directory: RunDirectory, result: Result) -> None:
    """Run what the result lacks, and save it."""
    with reported_if_stopped(directory.path), progress_display() as on_progress:
        run(study, directory, on_progress, result)
    summarise(result)
    result.crossings = crossings_of(result)
    result.sending = sending_of(result)
    result.objectives = objectives_of(result)
    result.capacities = capacities_of(result)
    directory.save(result)
    report_on(result, directory.path)


def _values_in(values: Path | None, on: Place) -> str:
    """Return the text of a file for the chart of a cluster, empty without one.

    Raises BadInput when it cannot be read, or when no chart is installed.
    """
    if values is None:
        return ""
    if on != "kubernetes":
        raise BadInput("--values are for the chart of --on kubernetes: add that, or leave them out")
    try:
        return values.read_text("utf-8")
    except FileNotFoundError:
        raise BadInput(f"--values: there is no file {values}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--values: {values} cannot be read: {getattr(error, 'strerror', '') or error}") from None


def _take_values(values: Path | None, result: Result) -> None:
    """Let a run go on with other values for its chart than it began with, if there are some, and say so."""
    given = _values_in(values, result.ran_on or "local")
    if given and given != result.chart_values:
        result.warnings.append("it was begun with other values for the chart than it was continued with")
        result.chart_values = given


def _check(study: Study, place: Path, on: Place) -> None:
    """Raise BadInput, naming the file, when an objective says nothing, or when servers are to have too many cores.

    The stack may be on another machine, so its own cores are looked at when it is there.
    """
    try:
        check_objectives(study)
        if on == "local":
            refuse_quota_beyond(study, len(usable_cores()))
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from None


def say_what_is_played(experiment: Experiment) -> None:
    """Print a summary of the trace, if the experiment plays one, so that people see what it will do."""
    source = experiment.producer
    if (trace := trace_of(source)) is not None:
        sys.stderr.write(f"wirerace: trace {printable(str(source.trace_file))}: {trace.summary(source.speed)}\n")


def exit_code(result: Result, *, allow_invalid: bool) -> int:
    """Return 4 when an objective is not met, 1 when a trial that counts is missing or not whole, 3 when one is invalid.

    An objective is what the user asked for, so it comes first. A search overloads its servers on purpose: it returns 3
    only if a capacity is not that of a server.
    """
    if result.is_search and result.trials:
        return 0 if allow_invalid or all(map(is_found, capacities_of(result))) else INVALID
    if not all(one.passed for one in objectives_of(result)):
        return MISSED
    if result.counted_failures or not result.trials or not all(trial.is_whole for trial in result.counted):
        return NOT_WHOLE
    valid = all(trial.is_valid for trial in result.counted) and result.is_enough
    return 0 if valid or allow_invalid else INVALID
