"""`wirerace run`: run an experiment on this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wirerace.analysis.aggregate import summarised
from wirerace.analysis.predict import judged
from wirerace.errors import printable
from wirerace.experiment.model import Experiment, trace_of
from wirerace.experiment.reading import read_experiment
from wirerace.host.cores import cautions
from wirerace.host.provenance import experiment_file
from wirerace.record.result import Result
from wirerace.report.progress import progress_display
from wirerace.report.terminal import print_result
from wirerace.runner.directory import claimed
from wirerace.runner.run import Place, run

NOT_WHOLE, INVALID = 1, 3


def command(
    file: Annotated[Path, typer.Argument(help="The experiment, a TOML file; experiments/ has some.", metavar="FILE")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override one key, for example clients.count=500.", metavar="KEY=VALUE"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for this run; must be new or empty. Default: results/NAME-TIME.")
    ] = None,
    on: Annotated[
        Place, typer.Option("--on", help="Where: processes of its own, or the containers of docker compose.")
    ] = "local",
    allow_invalid: Annotated[
        bool, typer.Option("--allow-invalid", help="Exit with 0 even if a trial is invalid; the verdict is printed.")
    ] = False,
) -> None:
    """Run an experiment: real processes on loopback, one trial after the other, then a table.

    Examples:
        wirerace run experiments/first-look.toml

        wirerace run experiments/first-look.toml --set clients.count=500 --set 'transports=["websocket"]'

        wirerace run experiments/rare-news.toml --out /tmp/rare

        wirerace run experiments/first-look.toml --on compose

    Exit codes: 0 all well; 1 a trial could not be completed, or lost, duplicated or reordered updates; 2 bad input;
    3 a trial is invalid, or too few repeats were valid; 4 the system refused something: a full disk, no permission to
    write, too many open files; 129 SIGHUP; 130 Ctrl-C; 143 SIGTERM. Finished trials are saved in any case.
    """
    experiment = read_experiment(file, overrides or ())
    say_what_is_played(experiment)
    foreseen = cautions(experiment) if on == "local" else []
    with claimed(file.stem, out) as directory:
        for caution in foreseen:
            sys.stderr.write(f"wirerace: warning: {caution}\n")
        with progress_display() as on_progress:
            result = run(experiment, directory, on_progress, judged, on, source=experiment_file(file))
        result.summary = summarised(result)
        directory.save(result)
        print_result(result)
    for caution in result.warnings[len(foreseen) :]:
        sys.stderr.write(f"wirerace: warning: {caution}\n")
    for failure in result.failures:
        variant = f" ({failure.variant})" if failure.variant else ""
        sys.stderr.write(f"wirerace: {failure.transport}{variant}, repeat {failure.repeat}: {failure.reason}\n")
    sys.stdout.write(f"{directory.result_file}\n")
    raise typer.Exit(exit_code(result, allow_invalid=allow_invalid))


def say_what_is_played(experiment: Experiment) -> None:
    """Print what was understood of the trace, if the experiment plays one, so that people see what it will do."""
    source = experiment.producer
    if (trace := trace_of(source)) is not None:
        sys.stderr.write(f"wirerace: trace {printable(str(source.trace_file))}: {trace.summary(source.speed)}\n")


def exit_code(result: Result, *, allow_invalid: bool) -> int:
    """Return 1 when a trial that counts was not completed or not whole, 3 when one is not to be believed, else 0."""
    counted = [failure for failure in result.failures if failure.repeat not in result.discarded]
    if counted or not result.trials or not all(trial.is_whole for trial in result.counted):
        return NOT_WHOLE
    valid = all(trial.is_valid for trial in result.counted) and result.is_enough
    return 0 if valid or allow_invalid else INVALID
