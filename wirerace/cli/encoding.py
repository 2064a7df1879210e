"""stdout and stderr in any encoding: similar characters replace those that it lacks, so every table can be printed."""

import codecs
import io
import sys

NEAREST = "wirerace.nearest"
_PLAIN = {
    "–": "-", "−": "-", "…": "...", "·": "|", "±": "+-", "×": "x", "µ": "u", "✗": "x", "✓": "+", "²": "2", "≥": ">=",
    "≤": "<=", "≈": "~", "“": '"', "”": '"', "═": "=", "─": "-", "━": "-", "→": "->", "▁": "_", "▂": ".", "▃": "-",
    "▄": "=", "▅": "+", "▆": "*", "▇": "%", "█": "#",
}  # fmt: skip


def degrade_output() -> None:
    """Make stdout and stderr replace what their encodings lack."""
    codecs.register_error(NEAREST, _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not one that was closed before this process started
            stream.reconfigure(errors=NEAREST)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """Return the replacement of characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in missing), error.end
