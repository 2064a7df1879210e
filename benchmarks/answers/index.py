"""The index of all answers: a row for each question. One that was not measured this time keeps its row."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.answers.block import block_of, write_block
from benchmarks.answers.page import answers_of, date_of
from benchmarks.answers.questions import Topic
from wirerace.record.result import Result
from wirerace.report.markdown import plain, row
from wirerace.report.verdict import validity_of

TITLE = "Answers, measured"
THUMBNAIL = 220
"""The width of a picture in the index, in pixels."""


def write_index(pages: Path, questions: Sequence[Topic], results: Mapping[str, Result]) -> None:
    """Write docs/answers/README.md from results, by the name of their question.

    Raises BadInput when it has no marks, SystemFault when it cannot be written.
    """
    path = pages / "README.md"
    kept = block_of(path.read_text("utf-8")).splitlines() if path.exists() else []
    rows = [row("question", "answer", "picture", "measured"), row("---", "---", "---", "---")]
    for question in questions:
        if question.name in results:
            has_picture = (pages / f"{question.page}.svg").exists()
            rows.append(row_of(question, results[question.name], has_picture=has_picture))
        else:
            rows += [line for line in kept if line.startswith(f"| {_link(question)} |")]
    write_block(path, TITLE, "\n".join(rows))


def row_of(question: Topic, result: Result, *, has_picture: bool) -> str:
    """Return the row of a question: its first sentence, or else what forbids to use the result."""
    answers, troubles = answers_of(question, result)
    said = next(iter([*answers, *troubles]), "Nothing was measured.")
    name = question.page
    picture = f'<a href="{name}.md"><img src="{name}.svg" width="{THUMBNAIL}" alt="{question.asks}"></a>'
    verdict = plain(validity_of(result)) if result.trials else "INVALID: no trial was completed"
    return row(_link(question), plain(said), picture if has_picture else "–", f"{date_of(result)}. {verdict}")


def _link(question: Topic) -> str:
    return f"[{question.asks}]({question.page}.md)"
