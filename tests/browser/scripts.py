"""A page of a browser that has only the pure scripts of the live page."""

from typing import TYPE_CHECKING, Any

from wirerace.watch.page import FOLDER

if TYPE_CHECKING:
    from playwright.sync_api import Page

PURE = ("measure", "doubts", "words")


class Scripts:
    """A browser's page that has only the pure scripts."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        page.goto("about:blank")
        for name in PURE:
            page.add_script_tag(content=(FOLDER / f"{name}.js").read_text("utf-8"))

    def value(self, expression: str, argument: object = None) -> Any:
        """Return the value of an expression, in which `it` is the argument."""
        return self._page.evaluate(f"(it) => {expression}", argument)
