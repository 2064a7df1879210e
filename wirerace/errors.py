"""Everything that Wirerace raises on purpose.

::

    WireraceError
    ├── BadInput           what the user gave cannot be used: exit code 2
    │   ├── BadCursor      a cursor that is no cursor
    │   └── Misfit         a value that does not fit its type (wirerace.decoding)
    ├── TrialFailed        a trial could not be completed: exit code 1
    │   └── NoAnswer       a part did not answer in time: it may only be busy (wirerace.runner.peer)
    ├── SystemFault        the system refuses what a command needs, such as space on a disk: exit code 5
    ├── BadFeed            a server follows something that is no producer's feed (services.feed_link)
    │   └── ApiRefusal     JetStream refuses what a feed asks of it (services.feeds.nats_link)
    ├── NotPassed          the producer did not take clients' messages (services.feeds)
    ├── Foreign            a page of another origin asks for something that only our own may do (wirerace.origins)
    ├── FrameError         a WebSocket peer broke the protocol (wirerace.wire.frames)
    ├── ConnectionLost     a client's connection ended, in order or not
    └── Refused            a server answered a client with an error
        └── BadAnswer      it sent a malformed answer

Each message is one line that names the place and the cure.
"""

from typing import TypeVar

Failure = TypeVar("Failure", bound=Exception)

MOST_SHOWN = 80
"""The most characters of a value that an error shows."""
MOST_LINE = 1_500
"""The most characters of an error, because a file's name alone may have thousands."""


class WireraceError(Exception):
    """The base of all. Its text is one line, which any terminal can print."""

    def __init__(self, text: str = "") -> None:
        super().__init__(_shortened(printable(text)))


class BadInput(WireraceError):
    """What the user gave (a file, an option, a request) cannot be used."""


class BadCursor(BadInput):
    """The text is no cursor."""


class TrialFailed(WireraceError):
    """A trial could not be completed; `part` is the part that was seen to be at its limit, if any was."""

    def __init__(self, text: str = "", part: str = "") -> None:
        super().__init__(text)
        self.part = part


class SystemFault(WireraceError):
    """The system refuses what a command needs: space, permission to write, open files (`wirerace.system`)."""


class ConnectionLost(WireraceError):
    """A client's connection ended."""


class Refused(WireraceError):
    """A server answered with an error; the text is the server's, and `status` that of HTTP, 0 if there is none."""

    def __init__(self, text: str = "", status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class BadAnswer(Refused):
    """A server's answer is malformed; the text says how."""


def _shortened(line: str) -> str:
    """Return a line, without its middle if it is too long: its beginning has the place, its end the cure."""
    return line if len(line) <= MOST_LINE else f"{line[: MOST_LINE // 2]} … {line[-MOST_LINE // 2 :]}"


def printable(text: str) -> str:
    """Return a text on one line, with every control character escaped."""
    if text.isprintable():
        return text
    return "".join(part if part.isprintable() else part.encode("unicode_escape").decode() for part in text)


def shown(value: object) -> str:
    """Return a value as errors show it: text is quoted, and a long value is cut."""
    try:
        text = repr(value[: MOST_SHOWN + 1] if isinstance(value, str | bytes) else value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        return f"something too large to show ({type(value).__name__})"
    return cut(text, MOST_SHOWN + len("''"))


def noted(error: Failure, data: bytes) -> Failure:
    """Return an error with a note that shows the first of the bytes that caused it."""
    error.add_note(shown(data))
    return error


def cut(text: str, most: int = MOST_SHOWN) -> str:
    """Return a text, or its beginning when it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def is_text(text: str) -> bool:
    """Return whether a text can be encoded as UTF-8; an argument or a file's name may contain other bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
