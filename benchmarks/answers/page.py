"""The page of a question: its measured block and its picture, from a result alone."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.answers.block import write_block
from benchmarks.answers.questions import Topic
from benchmarks.answers.tables import marks_of, tables_of
from wirerace.errors import cut
from wirerace.record.reading import read_result
from wirerace.record.result import Failure, Result
from wirerace.report.capacity import rows_of
from wirerace.report.charts.values import Chart
from wirerace.report.charts.view import View
from wirerace.report.drawing.standalone import standalone
from wirerace.report.html.run import about_of
from wirerace.report.html.saving import records_in
from wirerace.report.markdown import plain
from wirerace.report.phrases import capital
from wirerace.report.settings import at_point, repeats_words
from wirerace.report.troubles import troubles_of
from wirerace.report.verdict import spelled_findings, validity_of, word_of
from wirerace.system import blamed_on

MOST_FAILURES, MOST_TEXT = 10, 300
SHA = 10
"""The length of a revision in a page."""


def answers_of(question: Topic, result: Result) -> tuple[list[str], list[str]]:
    """Return the sentences of the answer, and what forbids to use some of the trials."""
    troubles = troubles_of(result)
    return [said for said in question.says(result) if said not in troubles], troubles


def write_page(question: Topic, directory: Path, pages: Path) -> Result:
    """Write the page and the picture of a question from the directory of its run; return the result.

    Raises BadInput when there is no result, or the page has no marks.
    """
    result = read_result(directory)
    charts = question.picture(View(result, records_in(directory, result))) if result.counted else iter(())
    chart = next(charts, None)
    picture = pages / f"{question.page}.svg"
    write_block(pages / f"{question.page}.md", question.asks, block(question, result, chart))
    with blamed_on(picture):
        if chart is None:
            picture.unlink(missing_ok=True)
        else:
            picture.write_text(standalone(chart), "utf-8")
    return result


def block(question: Topic, result: Result, chart: Chart | None) -> str:
    """Return the measured block of a page."""
    answers, _ = answers_of(question, result)
    said = [f"**{plain(answers[0])}** {' '.join(map(plain, answers[1:]))}".rstrip(), ""] if answers else []
    shown = [f"![{plain(chart.title)}]({question.page}.svg)", ""] if chart is not None else []
    tables = tables_of(result, question.figures)
    marks = [marks_of(result, question.figures), ""] if tables else []
    return "\n".join([*said, *shown, *tables, *marks, *_verdict(result), *_origin(question, result)])


def _verdict(result: Result) -> Iterator[str]:
    """Yield whether the result is valid, the word of each contestant, what failed and what was found."""
    said = validity_of(result) if result.trials else "INVALID: no trial was completed"
    yield " ".join([f"**{plain(said)}.**", *map(plain, troubles_of(result))])
    yield ""
    if result.is_search:
        yield from [*(f"- {plain(one.title)}: {plain(one.why)}" for one in rows_of(result) if one.why), ""]
        return
    if len(result.points) > 1 and result.counted:
        yield from _words(result)
    yield from (f"- {_failed(result, failure)}" for failure in result.failures[:MOST_FAILURES])
    if (more := len(result.failures) - MOST_FAILURES) > 0:
        yield f"- {more} more failed"
    found = list(spelled_findings(result))
    reasons = [_finding(said, cure) for weight, said, cure in found if weight == "reason"]
    yield from [*reasons, ""] if reasons or result.failures else ()
    if doubts := [_finding(said, cure) for weight, said, cure in found if weight == "doubt"]:
        yield from ("<details><summary>What is in doubt</summary>", "", *doubts, "", "</details>", "")


def _words(result: Result) -> Iterator[str]:
    """Yield the words for the contestants over all settings of a sweep; those with the same word stand together."""
    said: dict[str, list[str]] = {}
    for one in result.present:
        word = word_of([trial for trial in result.counted if trial.contestant == one.id])
        said.setdefault(word, []).append(plain(one.title))
    yield " · ".join(f"{', '.join(names)}: {word}" for word, names in said.items())
    yield ""


def _finding(said: str, cure: str) -> str:
    """Return a finding and what to do; of many trials it names the first ones."""
    if len(said) > MOST_TEXT and "; " in said[:MOST_TEXT]:
        said = f"{said[: said.rindex('; ', 0, MOST_TEXT)]}; …)"
    return f"- {plain(cut(said, MOST_TEXT))}" + (f" → {plain(cure)}" if cure else "")


def _failed(result: Result, failure: Failure) -> str:
    name = f"{result.title_of(failure.contestant)}{at_point(result, failure.point)}"
    return plain(f"{name}, {repeats_words([failure.repeat])}: {cut(failure.reason, MOST_TEXT)}")


def _origin(question: Topic, result: Result) -> Sequence[str]:
    """Return what was offered, when and where, and how to run it again."""
    sets = "".join(f" --set {key}" for key in question.sets)
    file = f"[{question.experiment}](../../{question.experiment})"
    return [
        f"{plain(capital(about_of(result)))}. {machine_of(result)} Experiment: {file}.",
        "",
        "```sh",
        f'make answers ARGS="{question.name}"',
        f".venv/bin/wirerace run {question.experiment} --allow-invalid{sets}    # the run alone",
        "```",
    ]


def machine_of(result: Result) -> str:
    """Return when, on which machine and with which code a result was measured."""
    host = result.host
    code = f"Wirerace {result.wirerace}" + (f", revision {_short(host.revision)}" if host.revision else "")
    parts = (host.cpu_model, f"{host.cores} cores", host.kernel, f"Python {host.python}", code)
    return f"Measured on {date_of(result)}: {plain(', '.join(filter(None, parts)))}."


def date_of(result: Result) -> str:
    """Return the day of a result; empty if it is not known."""
    try:
        return datetime.fromisoformat(result.started_at).date().isoformat()
    except ValueError:
        return "an unknown day"


def _short(revision: str) -> str:
    commit, _, changed = revision.partition("-")
    return commit[:SHA] + (f"-{changed}" if changed else "")
