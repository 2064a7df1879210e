"""The values of one result in a report, or of one setting of a sweep."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from wirerace.analysis.aggregate import LEAST_REPEATS
from wirerace.analysis.capacity.mark import LOG
from wirerace.analysis.figures import BY_ID
from wirerace.errors import cut, printable
from wirerace.record.result import Failure, Result
from wirerace.report.capacity import CapacityRow, objectives_line, rows_of
from wirerace.report.charts.axes import MOST_KEY
from wirerace.report.charts.view import Records, View
from wirerace.report.clocks import ClockTable, clocks_of
from wirerace.report.comparison import caption_of, words_of
from wirerace.report.faults import FaultTable, faults_of
from wirerace.report.headline import headline
from wirerace.report.html.chapters import Chapter, chapters_of, setting_chapters, sweep_chapters
from wirerace.report.html.checks import ReproducedValues, reproduced_values
from wirerace.report.html.figures import FigureRow, figure_rows
from wirerace.report.html.origin import command_of, experiment_text, machine_rows, trials_line
from wirerace.report.replicas import ReplicaTable, replicas_of
from wirerace.report.settings import at_point, repeats_words
from wirerace.report.spelling import spell_interval
from wirerace.report.terminal import describe_population, describe_source
from wirerace.report.theory import QUANTITIES, cells_of, spelled_row
from wirerace.report.verdict import spelled_findings, validity_of, word_of
from wirerace.reproductions.record import ReproductionRecord
from wirerace.workload.schedule import Source

MOST_ANSWERS, MOST_REASONS, MOST_FINDINGS, MOST_FAILURES, MOST_FOUND, MOST_TEXT = 3, 3, 60, 40, 320, 1200
"""What a page shows of these. result.json has all of them."""
MARK = {"reason": "not valid", "doubt": "doubt", "unchecked": "not checked:"}


class Heading(NamedTuple):
    """A contestant above a column: its name, its transport, and the word of its verdict."""

    title: str
    transport: str
    word: str


class TheoryRow(NamedTuple):
    """Theory beside measurement, of one quantity."""

    contestant: str
    quantity: str
    cells: Sequence[str]


class ComparedRow(NamedTuple):
    """A figure of a contestant against that of the first one, in words."""

    contestant: str
    figure: str
    words: str
    difference: str


class Tables(NamedTuple):
    """The tables of a result at one setting."""

    headings: Sequence[Heading]
    rows: Sequence[FigureRow]
    caption: str
    theory: Sequence[TheoryRow]
    compared: Sequence[ComparedRow]
    compared_with: str
    compared_caption: str
    chapters: Sequence[Chapter]
    faults: FaultTable | None
    replicas: ReplicaTable | None
    clocks: ClockTable | None


class FoundOnce(NamedTuple):
    """A finding of the verdict: how it weighs, what was found, and what to do."""

    weight: str
    mark: str
    said: str
    cure: str


class RunValues(NamedTuple):
    """Everything that the page says of one result."""

    title: str
    about: str
    place: str
    answers: Sequence[str]
    more_answers: Sequence[str]
    verdict: str
    level: str
    reasons: Sequence[FoundOnce]
    findings: Sequence[FoundOnce]
    warnings: Sequence[str]
    failures: Sequence[tuple[str, str]]
    more_failures: int
    tables: Tables | None
    chapters: Sequence[Chapter]
    is_sweep: bool
    capacities: Sequence[CapacityRow]
    capacity_of: str
    command: str
    experiment: str
    machine: Sequence[tuple[str, str]]
    reproduced: ReproducedValues | None


def run_values(result: Result, records: Records, place: str, reproduced: ReproductionRecord | None = None) -> RunValues:
    """Return the values of a result. A reproduction that played a scene has no trials to be judged."""
    is_scene = reproduced is not None and not result.trials and not result.failures
    is_sweep = len(result.points) > 1 or result.is_search
    single = setting_values(View(result, records), whole=True) if result.counted and not is_sweep else None
    answers = [] if is_scene else [cut(printable(sentence), MOST_TEXT) for sentence in headline(result)]
    verdict = "" if is_scene else validity_of(result) if result.trials else "INVALID: no trial was completed"
    findings = [
        FoundOnce(weight, MARK[weight], cut(said.removeprefix("not checked: "), MOST_FOUND), cut(cure, MOST_TEXT))
        for weight, said, cure in spelled_findings(result)
    ]
    # A search overloads its servers on purpose: what that does to trials is not what one reads first.
    reasons = [] if result.is_search else [one for one in findings if one.weight == "reason"][:MOST_REASONS]
    failures = [
        (_name(result, index), cut(printable(_reason(result, one)), MOST_TEXT))
        for index, one in enumerate(result.failures)
    ]
    return RunValues(
        title=cut(printable(str(result.experiment["title"])), 200),
        about="" if is_scene else about_of(result),
        place=printable(place),
        answers=answers[:MOST_ANSWERS],
        more_answers=answers[MOST_ANSWERS:],
        verdict=verdict,
        level="bad" if verdict.startswith("INVALID") else "care" if "with care" in verdict else "good",
        reasons=reasons,
        findings=[one for one in findings if one not in reasons][:MOST_FINDINGS],
        warnings=[cut(printable(warning), MOST_TEXT) for warning in result.warnings[:MOST_FINDINGS]],
        failures=failures[:MOST_FAILURES],
        more_failures=max(0, len(failures) - MOST_FAILURES),
        tables=single,
        chapters=single.chapters if single else sweep_chapters(result) if is_sweep and result.counted else [],
        is_sweep=is_sweep,
        capacities=rows_of(result) if result.is_search else [],
        capacity_of=objectives_line(result) if result.is_search else "",
        command=command_of(result),
        experiment=experiment_text(result),
        machine=machine_rows(result),
        reproduced=None if reproduced is None else reproduced_values(reproduced),
    )


def setting_values(view: View, *, whole: bool = False, costs: Sequence[str] = ()) -> Tables:
    """Return the tables and charts of a result at one setting; fewer charts unless it is the `whole` result.

    `costs` are the sentences about what sending costs there, which only a sweep shows.
    """
    result = view.result
    chapters = [] if not result.counted else chapters_of(view) if whole else setting_chapters(view, costs)
    summary = view.summary
    compared = [one for one in summary.compared if one.primary] if summary.repeats > 1 else []
    titles = {contestant.id: view.title(contestant) for contestant in view.contestants}
    return Tables(
        headings=[Heading(view.title(one), one.transport, word_of(view.trials(one))) for one in view.contestants],
        rows=figure_rows(view) if result.counted else [],
        caption=_caption(result),
        theory=list(_theory_rows(view)),
        compared=[
            ComparedRow(
                titles[one.one],
                BY_ID[one.figure].label,
                words_of(one.ratio, BY_ID[one.figure].words),
                spell_interval(one.difference, BY_ID[one.figure].unit),
            )
            for one in compared
        ],
        compared_with=titles[compared[0].other] if compared else "",
        compared_caption=caption_of(summary) if compared else "",
        chapters=chapters,
        faults=faults_of(result),
        replicas=replicas_of(result),
        clocks=clocks_of(result),
    )


def _theory_rows(view: View) -> list[TheoryRow]:
    return [
        TheoryRow(
            view.title(contestant),
            QUANTITIES[quantity][0] + (" (fit)" if any(cell.kind == "fit" for cell in cells) else ""),
            list(spelled_row(quantity, cells)),
        )
        for contestant in view.contestants
        for quantity, cells in cells_of(view.trials(contestant))
    ]


def _caption(result: Result) -> str:
    repeats = len({trial.repeat for trial in result.counted})
    over = "One repeat, so there are no intervals."
    if repeats > 1:
        intervals = "with 95 % intervals, each by itself" if repeats >= LEAST_REPEATS else "too few for intervals"
        over = f"Means over {repeats} repeats, {intervals}."
    corrected = ", with an interval that allows for the number of comparisons" if repeats >= LEAST_REPEATS else ""
    return f"{over} Beside each value: its ratio to the best one, repeat by repeat{corrected}; and what theory expects."


def about_of(result: Result) -> str:
    """Return what was offered, in a line; of a sweep, what is the same at all settings."""
    experiment = result.at(0).experiment
    axes = list(result.points[0].setting) if len(result.points) > 1 or result.is_search else []
    swept = ", ".join(cut(printable(key), MOST_KEY) for key in axes)
    tables = {key.partition(".")[0] for key in axes}
    repeats = len({trial.repeat for trial in result.counted})
    parts = [
        f"a {'search' if result.is_search else 'sweep'} of {swept}: {len(result.points)} settings" if axes else "",
        "" if tables & {"clients", "population", "upstream"} else describe_population(experiment),
        "" if "producer" in tables else describe_source(msgspec.convert(experiment["producer"], Source)),
        "" if "window" in tables else f"{experiment['window']['measure_seconds']:g} s",
        f"{repeats} repeats" if repeats > 1 else "",
        trials_line(result),
    ]
    return " · ".join(filter(None, parts))


def _reason(result: Result, failure: Failure) -> str:
    """Return why a trial was not completed; in a search a miss of the server counts."""
    is_miss = result.is_search and failure.part == "server"
    return f"{failure.reason.partition(LOG)[0]}: counted as missed" if is_miss else failure.reason


def _name(result: Result, index: int) -> str:
    failure = result.failures[index]
    at = at_point(result, failure.point)
    return cut(printable(f"{result.title_of(failure.contestant)}{at}, {repeats_words([failure.repeat])}"), 200)
