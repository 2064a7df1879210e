"""Measure the shipped questions one after another, and write their pages.

make answers                                # all of them, then docs/answers/
make answers ARGS="first-look payload"      # these only
make answers ARGS=--pages                   # measure nothing: the pages again, from the results that are there
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.answers.index import write_index
from benchmarks.answers.page import write_page
from benchmarks.answers.questions import QUESTIONS, Topic
from benchmarks.answers.summary import write_summary
from wirerace.errors import BadInput, WireraceError
from wirerace.record.reading import file_of
from wirerace.system import blamed_on

ROOT = Path(__file__).parents[2]
STOPPED = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
"""The exit codes of a run that was stopped: then the others are not run either."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write pages, and return the exit code: 1 if a run did not do what it should, 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.answers", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"questions: {known()}; default: all")
    parser.add_argument("--pages", action="store_true", help="measure nothing, write the pages from earlier results")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "answers", help="where the runs are")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs" / "answers", help="where the pages are")
    given = parser.parse_args(arguments)
    try:
        chosen = chosen_of(given.names)
        failed = [] if given.pages else measure(chosen, given.results)
        write_pages(chosen, given.results, given.docs, must_exist=bool(given.names) and given.pages)
    except WireraceError as error:
        sys.stderr.write(f"answers: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    for name, code in failed:
        sys.stderr.write(f"answers: {name} ended with exit code {code}\n")
    return 1 if failed else 0


def known() -> str:
    """Return the names of all questions."""
    return ", ".join(question.name for question in QUESTIONS)


def chosen_of(names: Sequence[str]) -> list[Topic]:
    """Return the questions with these names, all without any name.

    Raises BadInput for a name that no question has.
    """
    by_name = {question.name: question for question in QUESTIONS}
    for name in names:
        if name not in by_name:
            raise BadInput(f"no question is named {name!r}: there are {known()}")
    return [question for question in QUESTIONS if not names or question.name in names]


def measure(questions: Sequence[Topic], results: Path) -> list[tuple[str, int]]:
    """Run the experiments one after another; return those that failed, with their exit codes.

    Pages are written when all have run, so that all results name the same revision.
    """
    failed: list[tuple[str, int]] = []
    for number, question in enumerate(questions, 1):
        sys.stderr.write(f"[{number}/{len(questions)}] {question.asks} ({question.experiment})\n")
        directory = results / question.name
        set_aside(directory)
        sets = [argument for key in question.sets for argument in ("--set", key)]
        command = [sys.executable, "-m", "wirerace", "run", question.experiment, "--allow-invalid", *sets]
        code = subprocess.run([*command, "--yes", "--out", str(directory)], cwd=ROOT, check=False).returncode
        if code in STOPPED:
            raise KeyboardInterrupt
        if code:
            failed.append((question.name, code))
    return failed


def set_aside(directory: Path) -> None:
    """Give an earlier result another name, which says how many there are: a run needs a new directory."""
    if not directory.exists():
        return
    number = 1
    while (kept := directory.with_name(f"{directory.name}-{number}")).exists():
        number += 1
    with blamed_on(directory):
        directory.rename(kept)


def write_pages(questions: Sequence[Topic], results: Path, pages: Path, *, must_exist: bool) -> None:
    """Write the page of each question that has a result, the index of all, and the table of docs/which_transport.md.

    Raises BadInput when a result that must exist does not.
    """
    found = {}
    with blamed_on(pages):
        pages.mkdir(parents=True, exist_ok=True)
    for question in questions:
        directory = results / question.name
        if not file_of(directory).is_file() and not must_exist:
            sys.stderr.write(f"answers: {question.name} has no result in {directory}, its page stays as it is\n")
            continue
        found[question.name] = write_page(question, directory, pages)
        sys.stdout.write(f"{pages / question.page}.md\n")
    write_index(pages, QUESTIONS, found)
    first = QUESTIONS[0]
    if first.name in found:
        write_summary(pages.parent / "which_transport.md", first, found[first.name])


if __name__ == "__main__":
    sys.exit(main())
