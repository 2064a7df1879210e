"""The table of docs/which_transport.md: what each transport costs, from the result of the first question."""

from pathlib import Path

from benchmarks.answers.block import write_block
from benchmarks.answers.page import machine_of
from benchmarks.answers.questions import AGE, BYTES, CPU, LATENCY, MEMORY, REQUESTS, Topic
from benchmarks.answers.tables import tables_of
from wirerace.record.result import Result
from wirerace.report.html.run import about_of
from wirerace.report.markdown import plain
from wirerace.report.phrases import capital

FIGURES = (LATENCY, AGE, CPU, BYTES, REQUESTS, MEMORY, "server.slab_per_client")


def write_summary(path: Path, question: Topic, result: Result) -> None:
    """Write the block of the page; without the page nothing is written.

    Raises BadInput when it has no marks, SystemFault when it cannot be written.
    """
    if path.exists():
        write_block(path, question.asks, summary(question, result))


def summary(question: Topic, result: Result) -> str:
    """Return the table, and where it comes from."""
    where = f"{plain(capital(about_of(result)))}. {machine_of(result)} [The whole answer](answers/{question.page}.md)."
    return "\n".join([*tables_of(result, FIGURES), where])
