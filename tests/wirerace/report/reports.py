"""Results of real runs, recorded on a busy machine, and what a browser would see of their reports."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from wirerace.report.html.page import Reported, html
from wirerace.report.html.saving import reported

DATA = Path(__file__).parents[2] / "data"
PLACES = {
    "stay": DATA / "report" / "stay.json",
    "sweep": DATA / "report" / "sweep.json",
    "messages": DATA / "report" / "messages.json",
    "visit": DATA / "report" / "visit.json",
    "schema 2": DATA / "schema-2",
    "schema 3": DATA / "schema-3",
}
"""A result of each kind that Wirerace makes or has made."""
VOID = {"meta", "br", "link", "img", "input", "hr"}
SAFE = {"class", "href", "id", "lang", "title", "content", "name"}


class Seen(HTMLParser):
    """The elements of a page, its text, and the texts of some elements; it fails when elements are not nested."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert [] == self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.texts[tag][-1] += data

    def attributes(self) -> Iterator[tuple[str, str]]:
        """Yield every attribute that has a value."""
        for _, attributes in self.elements:
            yield from ((name, value) for name, value in attributes.items() if value is not None)

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    @property
    def whole(self) -> str:
        return " ".join("".join(self.texts["body"]).replace("\N{NO-BREAK SPACE}", " ").split())


def page_of(*names: str) -> str:
    """Return the report of recorded results."""
    return html([reported(PLACES[name]) for name in names])


def seen(*found: Reported) -> Seen:
    return Seen(html(found))
