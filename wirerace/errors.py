"""Everything that Wirerace raises on purpose.

::

    WireraceError
    ├── BadInput           what the user gave cannot be used: exit code 2
    │   └── BadCursor      a cursor that is no cursor
    ├── TrialFailed        a trial could not be completed: exit code 1
    ├── FrameError         a WebSocket peer broke the protocol (wirerace.frames)
    ├── ConnectionLost     a client's connection ended, in order or not
    └── Refused            a server answered a client with an error

Each message is one line that names the place and the cure.
"""


class WireraceError(Exception):
    """The base of all; its text is fit to print as it stands."""


class BadInput(WireraceError):
    """What the user gave (a file, an option, a request) cannot be used."""


class BadCursor(BadInput):
    """The text is no cursor."""


class TrialFailed(WireraceError):
    """A trial could not be completed."""


class ConnectionLost(WireraceError):
    """A client's connection ended."""


class Refused(WireraceError):
    """A server answered with an error; the text is what it said."""
