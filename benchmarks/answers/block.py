"""The measured block of a page: what is between its marks is written again, and what is outside stays."""

from pathlib import Path

from wirerace.errors import BadInput
from wirerace.system import blamed_on

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def page_with(block: str, page: str, place: str) -> str:
    """Return a page with another block.

    Raises BadInput when it does not have each mark once, in this order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or any(mark in part for mark in (BEGIN, END) for part in (before, after)):
        raise BadInput(f"{place}: needs one line {BEGIN} and below it one line {END}; what is between is written again")
    return f"{before}{BEGIN}\n{block.strip()}\n{END}{after}"


def block_of(page: str) -> str:
    """Return what is between the marks, empty without them."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def new_page(title: str) -> str:
    """Return a page with a title and an empty block."""
    return f"# {title}\n\n{BEGIN}\n{END}\n"


def write_block(path: Path, title: str, block: str) -> None:
    """Write the block of a page; a page that is not there yet gets a title.

    Raises BadInput for a page without marks, SystemFault when it cannot be written.
    """
    with blamed_on(path):
        page = path.read_text("utf-8") if path.exists() else new_page(title)
        path.write_text(page_with(block, page, path.name), "utf-8")
