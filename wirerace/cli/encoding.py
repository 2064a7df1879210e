"""stdout and stderr in any encoding: what it lacks is replaced by what is nearest, so that no table ends in a fault."""

import codecs
import io
import sys

NEAREST = "wirerace.nearest"
_PLAIN = {
    "–": "-", "−": "-", "…": "...", "·": "|", "±": "+-", "×": "x", "µ": "u", "✗": "x", "✓": "+", "²": "2", "≥": ">=",
    "≤": "<=", "≈": "~", "“": '"', "”": '"', "═": "=", "─": "-", "━": "-",
}  # fmt: skip


def degrade_output() -> None:
    """Make stdout and stderr replace what their encodings lack."""
    codecs.register_error(NEAREST, _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not one that was closed by whoever started this process
            stream.reconfigure(errors=NEAREST)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """Return what is nearest to characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in missing), error.end
