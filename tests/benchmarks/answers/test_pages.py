"""Pages of questions, from recorded results."""

import re
import shutil
from pathlib import Path

import msgspec
import pytest

from benchmarks.answers.__main__ import main, set_aside
from benchmarks.answers.block import BEGIN, END, write_block
from benchmarks.answers.page import block, write_page
from benchmarks.answers.questions import QUESTIONS, Topic
from tests.wirerace.report.reports import DATA
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME, Failure
from wirerace.record.writing import write_json

ROOT = Path(__file__).parents[3]
BY_NAME = {question.name: question for question in QUESTIONS}
FIRST_LOOK, COALESCING = BY_NAME["first-look"], BY_NAME["coalescing"]
RECORDED = {"first-look": "stay.json", "coalescing": "sweep.json"}
MOST_BYTES = 100_000


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Directories as of runs, with recorded results."""
    for name, file in RECORDED.items():
        (tmp_path / "results" / name).mkdir(parents=True)
        shutil.copy(DATA / "report" / file, tmp_path / "results" / name / FILE_NAME)
    shutil.copytree(DATA / "report" / "raw", tmp_path / "results" / "first-look" / "raw")
    return tmp_path / "results"


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    (tmp_path / "pages").mkdir()
    return tmp_path / "pages"


def page_of(question: Topic, results: Path, pages: Path) -> str:
    write_page(question, results / question.name, pages)
    return (pages / f"{question.page}.md").read_text()


@pytest.mark.long
@pytest.mark.parametrize("name", RECORDED)
def test_page_has_everything_that_a_reader_needs(name: str, results: Path, pages: Path) -> None:
    question = BY_NAME[name]
    page = page_of(question, results, pages)

    assert page.startswith(f"# {question.asks}\n\n{BEGIN}\n")
    assert f"]({question.page}.svg)" in page
    assert "Measured on 2026-11-27: Intel(R) Xeon(R) Processor, 2 cores, Linux 6.18" in page
    assert f'make answers ARGS="{name}"' in page
    assert f"[{question.experiment}](../../{question.experiment})" in page
    assert "**INVALID: " in page
    assert len((pages / f"{question.page}.svg").read_bytes()) < MOST_BYTES


@pytest.mark.long
def test_table_has_a_row_for_each_contestant_with_its_verdict(results: Path, pages: Path) -> None:
    page = page_of(FIRST_LOOK, results, pages)

    assert re.search(r"^\| Polling \| 501 ± 2 ms \|.*\| do not use: all 3 trials are invalid \|$", page, re.MULTILINE)
    assert 5 == len(re.findall(r"^\| \w.* \| do not use.* \|$", page, re.MULTILINE))


def test_sweep_has_a_table_for_each_figure_and_marks_invalid_trials(results: Path, pages: Path) -> None:
    page = page_of(COALESCING, results, pages)

    assert "Server CPU per delivery:\n\n| updates a second | Polling | Long polling |" in page
    assert "Mean latency:\n\n| updates a second | Polling |" in page
    assert re.search(r"^\| 500 \| 8\.7 µs \\\* \| 20\.0 µs \\\* \| 9\.6 µs \| 8\.5 µs \|", page, re.MULTILINE)


@pytest.mark.long
def test_words_of_people_stay_when_a_page_is_measured_again(results: Path, pages: Path) -> None:
    path = pages / "coalescing.md"
    path.write_text(f"# My title\n\n## What others saw\n\n{BEGIN}\nold\n{END}\n\n## Why\n\nBecause.\n")
    page = page_of(COALESCING, results, pages)

    assert page.startswith(f"# My title\n\n## What others saw\n\n{BEGIN}\n")
    assert page.endswith(f"\n{END}\n\n## Why\n\nBecause.\n")
    assert f"{BEGIN}\nold" not in page
    assert page == page_of(COALESCING, results, pages)


def test_result_of_nothing_but_failures_says_why_and_has_no_picture(results: Path, pages: Path) -> None:
    (pages / "first_look.svg").write_text("the picture of an earlier result")
    result = read_result(results / "first-look")
    failures = [Failure(one.id, 1, "its server did not start: port 8001 is *taken*") for one in result.contestants]
    write_json(results / "first-look" / FILE_NAME, msgspec.structs.replace(result, trials=[], failures=failures))
    page = page_of(FIRST_LOOK, results, pages)

    assert "**INVALID: no trial was completed.** Polling, long polling, SSE, HTTP streaming and WebSocket" in page
    assert "- Polling, repeat 1: its server did not start: port 8001 is \\*taken\\*\n" in page
    assert "first_look.svg" not in page
    assert not (pages / "first_look.svg").exists()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
@pytest.mark.parametrize("file", ["stay.json", "sweep.json", "visit.json", "messages.json"])
def test_every_question_can_be_asked_of_every_kind_of_result(question: Topic, file: str) -> None:
    """An experiment file may change: its page then says less, and does not break."""
    assert "Measured on" in block(question, read_result(DATA / "report" / file), None)


@pytest.mark.long
def test_index_has_a_row_for_each_question_and_keeps_those_that_were_not_measured(results: Path, pages: Path) -> None:
    write_block(pages / "README.md", "Answers", "| [What does freshness cost?](poll_interval.md) | kept | – | – |")
    given = ["--pages", "--results", str(results), "--docs", str(pages)]

    assert 0 == main(given)
    rows = (pages / "README.md").read_text().splitlines()
    assert [
        "| [Which transport is first with an update?](first_look.md)",
        "| [What does freshness cost?](poll_interval.md) | kept | – | – |",
        "| [Can polling be cheaper than a WebSocket?](coalescing.md)",
    ] == [row if "kept" in row else row.partition(" | ")[0] for row in rows if row.startswith("| [")]
    assert any('<img src="first_look.svg"' in row and "2026-11-27. INVALID: 6 of 15 trials" in row for row in rows)


@pytest.mark.long
def test_first_question_writes_the_table_of_the_page_about_all_transports(results: Path, pages: Path) -> None:
    given = ["--pages", "--results", str(results), "--docs", str(pages)]
    assert 0 == main(given)
    assert not (pages.parent / "which_transport.md").exists()

    write_block(pages.parent / "which_transport.md", "Which transport?", "old")
    assert 0 == main(given)
    page = (pages.parent / "which_transport.md").read_text()
    assert page.startswith(f"# Which transport?\n\n{BEGIN}\n|  | mean latency |")
    assert "memory per client" in page
    assert "[The whole answer](answers/first_look.md)" in page


def test_unknown_question_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["--pages", "fastest"])
    said = capsys.readouterr().err
    assert said.startswith("answers: no question is named 'fastest': there are first-look, ")
    assert all(question.name in said for question in QUESTIONS)


def test_page_that_is_asked_for_needs_a_result(results: Path, pages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["--pages", "--results", str(results), "--docs", str(pages), "payload"])
    assert "payload" in capsys.readouterr().err


def test_earlier_results_are_kept_under_another_name(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "payload").mkdir()
        set_aside(tmp_path / "payload")
    set_aside(tmp_path / "payload")

    assert {"payload-1", "payload-2"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_question_has_its_experiment(question: Topic) -> None:
    assert (ROOT / question.experiment).is_file()
