"""The measured block of a page."""

from pathlib import Path

import pytest

from benchmarks.answers.block import BEGIN, END, block_of, new_page, page_with, write_block
from wirerace.errors import BadInput

PAGE = f"# Why?\n\nBy hand.\n\n{BEGIN}\nold\n{END}\n\n## What follows\n\nBy hand, too.\n"


def test_only_the_block_is_written_again() -> None:
    assert PAGE.replace("old", "new") == page_with("new", PAGE, "page.md")
    assert "new" == block_of(page_with("new\n", PAGE, "page.md"))


def test_writing_the_same_block_again_changes_nothing() -> None:
    assert PAGE == page_with(block_of(PAGE), PAGE, "page.md")


def test_page_that_is_not_there_yet_gets_a_title(tmp_path: Path) -> None:
    write_block(tmp_path / "page.md", "Why?", "new")

    assert f"# Why?\n\n{BEGIN}\nnew\n{END}\n" == (tmp_path / "page.md").read_text()
    assert "" == block_of(new_page("Why?"))


@pytest.mark.parametrize(
    "page",
    ["# Why?\n", f"# Why?\n{BEGIN}\n", f"# Why?\n{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n"],
    ids=["none", "no end", "the other way round", "two"],
)
def test_page_without_both_marks_is_refused_and_stays(page: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page)

    with pytest.raises(BadInput, match=r"page\.md: needs one line <!-- measured: begin -->"):
        write_block(path, "Why?", "new")
    assert page == path.read_text()
