"""`wirerace reproduce`: published results, measured here."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wirerace import __version__
from wirerace.analysis.aggregate import summarise
from wirerace.cli.run import INVALID, NOT_WHOLE
from wirerace.errors import BadInput, TrialFailed, shown
from wirerace.experiment.plans import plans_of
from wirerace.experiment.settings import Study
from wirerace.record.result import Failure, Result
from wirerace.record.writing import write_json
from wirerace.report.html.saving import report_beside, report_on, reported_if_stopped
from wirerace.report.progress import progress_display
from wirerace.report.reproduction import checks_of, words_of
from wirerace.report.verdict import verdict_of
from wirerace.reproductions import REPRODUCTIONS
from wirerace.reproductions.check import Check, Outcome, Reproduction, Scene
from wirerace.reproductions.record import RECORD_NAME, ReproductionRecord, read_record
from wirerace.runner.browsers.process import refuse_missing
from wirerace.runner.directory import RunDirectory, claimed
from wirerace.runner.network.reverse.configuration import installed_for
from wirerace.runner.run import begun, run

ALL = "all"


def command(
    name: Annotated[
        str,
        typer.Argument(
            help="Which result to measure; `all` for all of them; without a name, they are listed.", metavar="[NAME]"
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Directory; must be new or empty. Default: results/reproduce-NAME-TIME.")
    ] = None,
    allow_invalid: Annotated[
        bool, typer.Option("--allow-invalid", help="Exit with 0 or 1, as the checks say, even if a trial is invalid.")
    ] = False,
) -> None:
    """Measure a published result on this machine, and compare it with what was published.

    **Examples:**

        wirerace reproduce

        wirerace reproduce wrk2-stall

        wirerace reproduce all

    Exit codes: 0 every check passed; 1 one failed, or a trial could not be completed; 2 bad input; 3 a trial is
    invalid; 5 the system refused something, such as space on a disk; 129 SIGHUP; 130 Ctrl-C; 143 SIGTERM.
    """
    if not name:
        for reproduction in REPRODUCTIONS.values():
            sys.stdout.write(f"{reproduction.name:<15} {reproduction.line}\n")
        return
    if name != ALL and name not in REPRODUCTIONS:
        raise BadInput(f"there is no reproduction {shown(name)}; there are {', '.join([*REPRODUCTIONS, ALL])}")
    chosen = list(filter(_can_run, REPRODUCTIONS.values())) if name == ALL else [REPRODUCTIONS[name]]
    codes = set()
    for reproduction in chosen:
        of_its_own = out / reproduction.name if out is not None and name == ALL else out
        codes.add(reproduce(reproduction, of_its_own, allow_invalid=allow_invalid))
    raise typer.Exit(next((code for code in (NOT_WHOLE, INVALID) if code in codes), 0))


def reproduce(reproduction: Reproduction, out: Path | None, *, allow_invalid: bool) -> int:
    """Run it, save and print the outcome, write its report, and return the exit code."""
    with claimed(f"reproduce-{reproduction.name}", out) as directory:
        if reproduction.scene is None:
            result, outcomes = _run(reproduction.study, directory)
            checks = reproduction.checks(outcomes) if not result.failures else []
        else:
            result, checks = _played(reproduction.study, reproduction.scene, directory)
        summarise(result)
        directory.save(result)
        record = _record_of(reproduction, result, checks)
        write_json(directory.path / RECORD_NAME, record)
        report_on(result, directory.path)
    print_record(reproduction, record, result)
    sys.stdout.write(f"{report_beside(directory.path)}\n{directory.path / RECORD_NAME}\n")
    if not record.valid and not allow_invalid and not result.failures:
        return INVALID
    return 0 if record.passed else NOT_WHOLE


def _run(study: Study, directory: RunDirectory) -> tuple[Result, dict[str, Outcome]]:
    """Run a study; return its result, and each trial with the raw record that it was computed from."""
    with reported_if_stopped(directory.path), progress_display() as on_progress:
        result = run(study, directory, on_progress, begun(study, "local"))
    ran = {(trial.contestant, trial.point): trial for trial in result.trials}
    plans = [plan for setting in study.settings for plan in plans_of(setting, 1)]
    return result, {
        plan.name.removeprefix("1-"): Outcome(ran[plan.contestant.id, plan.setting.number], directory.raw(plan.name))
        for plan in plans
        if (plan.contestant.id, plan.setting.number) in ran
    }


def _played(study: Study, scene: Scene, directory: RunDirectory) -> tuple[Result, list[Check]]:
    """Play a scene; return its result, which has no trials, and the checks."""
    result = begun(study, "local")
    try:
        return result, scene(study, directory.path)
    except TrialFailed as error:
        result.failures.append(Failure(result.contestants[0].id, 1, str(error)))
        return result, []


def _can_run(reproduction: Reproduction) -> bool:
    """Return whether this machine has what a reproduction needs; if not, say what is missing."""
    try:
        refuse_missing(reproduction.study)
        installed_for(reproduction.study)
    except BadInput as error:
        sys.stderr.write(f"wirerace: {reproduction.name} is left out: {error}\n")
        return False
    return True


def _record_of(reproduction: Reproduction, result: Result, checks: list[Check]) -> ReproductionRecord:
    whole = not result.failures and all(trial.is_whole for trial in result.trials)
    return ReproductionRecord(
        __version__,
        reproduction.name,
        reproduction.source,
        reproduction.setup,
        reproduction.words,
        all(trial.is_valid for trial in result.trials),
        all(check.passed is not False for check in checks) if whole else None,
        checks,
    )


def read_known(path: Path) -> tuple[Reproduction, ReproductionRecord]:
    """Return what was reproduced, and the outcome.

    Raises BadInput when the file is not a reproduction, or one that this version does not know.
    """
    record = read_record(path)
    if record.name not in REPRODUCTIONS:
        raise BadInput(
            f"{path}: no reproduction {shown(record.name)} in this version; give its directory for the figures"
        )
    return REPRODUCTIONS[record.name], record


def print_record(reproduction: Reproduction, record: ReproductionRecord, result: Result) -> None:
    """Print each check, the verdict, what failed, and the outcome."""
    console = Console()
    if record.checks:
        console.print(checks_of(reproduction, record.checks))
    for part in verdict_of(result) if result.trials else ():
        console.print(part)
    for failure in result.failures:
        sys.stderr.write(
            f"wirerace: {result.title_of(failure.contestant)}, repeat {failure.repeat}: {failure.reason}\n"
        )
    console.print(words_of(reproduction))
    console.print(f"\n{reproduction.name}: {record.outcome}", highlight=False)
