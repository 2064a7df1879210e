"""Saving a report: the results of directories, read with their raw records, written beside the first."""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from wirerace.errors import BadInput, WireraceError, shown
from wirerace.record.reading import read_raw, read_result
from wirerace.record.result import FILE_NAME, Raw, Result
from wirerace.record.trial import Trial
from wirerace.report.charts.view import Records
from wirerace.report.drawing.standalone import standalone
from wirerace.report.html.chapters import charts_of
from wirerace.report.html.page import Reported, html
from wirerace.report.html.run import about_of
from wirerace.reproductions.record import record_beside
from wirerace.runner.directory import RAW
from wirerace.stopping import Stopped, optional
from wirerace.system import blamed_on

REPORT = "report.html"
MOST_KEPT = 32
"""Raw records that are kept in memory, because several charts read them."""


def reported(place: Path) -> Reported:
    """Return what is in the directory of a run, or in its result.json.

    Raises BadInput when there is no result, or when it is damaged.
    """
    result = read_result(place)
    directory = place if place.is_dir() else place.parent
    return Reported(result, records_in(directory, result), str(directory), record_beside(directory))


def at_setting(found: Reported, setting: int) -> Reported:
    """Return one setting of a sweep.

    Raises BadInput when there is no such setting.
    """
    if setting >= len(found.result.points):
        raise BadInput(f"--setting must be below {len(found.result.points)}, the number of settings, got {setting}")
    return found._replace(result=found.result.at(setting))


def records_in(directory: Path, result: Result) -> Records:
    """Return what reads the raw records of a result's trials; one that is missing or damaged is left out."""

    def read(trial: Trial) -> Raw | None:
        at = f"-at-{trial.point}" if len(result.points) > 1 else ""
        return read_once(directory / RAW / f"{trial.repeat}-{trial.contestant}{at}.json")

    @functools.lru_cache(MOST_KEPT)
    def read_once(path: Path) -> Raw | None:
        try:
            raw = read_raw(path) if path.is_file() else None
        except BadInput:
            return None
        is_whole = raw is not None and all(len(made.seq) == len(made.ts) for made in raw.truth.epochs)
        return raw if is_whole else None

    return read


def report_on(result: Result, directory: Path) -> None:
    """Write the report of a run into its directory.

    Raises SystemFault when it cannot be written.
    """
    found = Reported(result, records_in(directory, result), reproduced=record_beside(directory))
    save_report([found], report_beside(directory))


@contextmanager
def reported_if_stopped(directory: Path) -> Iterator[None]:
    """Pass a stop of this block on, and write the report of the trials that were finished before it.

    The next signal leaves the report out.
    """
    try:
        yield
    except Stopped as stop:
        with optional():
            if (said := _report_on_finished(directory)) is not None:
                stop.add_note(said)
        raise


def _report_on_finished(directory: Path) -> str | None:
    """Write the report of a run that was stopped and return what became of it; None if no trial was finished."""
    if not (directory / FILE_NAME).is_file():
        return None
    try:
        found = reported(directory)
        if not found.result.trials:
            return None
        save_report([found], report_beside(directory))
    except (WireraceError, OSError, ArithmeticError) as error:
        return f"there is no report: {error}"
    return f"the report of it is {report_beside(directory)}"


def save_report(found: Sequence[Reported], path: Path) -> None:
    """Write the report of results; a reader sees the old file or the new one, never a part.

    Raises SystemFault when it cannot be written.
    """
    page = html(found)
    partial = path.with_name(path.name + ".part")
    with blamed_on(path):
        try:
            partial.write_text(page, "utf-8")
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def save_chart(found: Reported, name: str, path: Path) -> None:
    """Write one chart of a result as an SVG file, with its title and how to read it.

    Raises BadInput, naming the charts that there are, when there is no such chart, SystemFault when the file cannot be
    written.
    """
    charts = charts_of(found.result, found.records)
    if name not in charts:
        known = f"it has {', '.join(charts)}" if charts else "it has none: no trial counts"
        raise BadInput(f"{found.place}: there is no chart {shown(name)}; {known}")
    chart = charts[name]
    with blamed_on(path):
        path.write_text(standalone(chart, below=[chart.about, about_of(found.result)]), "utf-8")


def report_beside(place: Path) -> Path:
    """Return where the report of one result is written."""
    return (place if place.is_dir() else place.parent) / REPORT
