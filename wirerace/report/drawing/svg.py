"""SVG as text: elements whose attributes and children are escaped, because names come from files of others."""

from collections.abc import Iterable

from markupsafe import Markup, escape

CHARACTER = 7.2
"""The width of a character of the charts' font, on average; a little more than it takes."""


def tag(element: str, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element. An underscore in the name of an attribute is a hyphen, or nothing at its end.

    An attribute that is None is left out.
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(map(escape, children))
    return Markup(f"<{element}{said}>{inner}</{element}>" if inner else f"<{element}{said}/>")  # noqa: S704 -- escaped


def together(children: Iterable[Markup]) -> Markup:
    """Return elements one after the other."""
    return Markup().join(children)


def path_of(points: Iterable[tuple[float, float]]) -> str:
    """Return a path through points, to a tenth of a unit."""
    return "".join(f"{'L' if number else 'M'}{_short(x)},{_short(y)}" for number, (x, y) in enumerate(points))


def width_of(text: str) -> float:
    """Return about how wide a text is."""
    return CHARACTER * len(text)


def fitted(text: str, width: float) -> str:
    """Return a text, or its beginning if it is wider than that."""
    most = max(1, int(width / CHARACTER))
    return text if len(text) <= most else text[: most - 1] + "…"


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else _short(value)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
