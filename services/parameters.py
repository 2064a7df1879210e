"""Parameters: what the query of a request says, read into typed values; each error names the parameter and the cure."""

import re

from aiohttp import web

from services.channel import Channel
from wirerace.errors import BadInput, shown
from wirerace.wire.update import Cursor, is_channel

MOST_LAST = 1_000_000
"""The most of the newest updates that a client may start with; a server has as many as it keeps."""

_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?(e-?[0-9]{1,2})?", re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)


def parameters_of(request: web.BaseRequest) -> dict[str, str]:
    """Return the query's parameters, the last of each name."""
    return parameters_in(request.query_string)


def parameters_in(query: str) -> dict[str, str]:
    """Return a query's parameters, the last of each name."""
    return dict(part.partition("=")[::2] for part in query.split("&")) if query else {}


def cursor_of(parameters: dict[str, str]) -> Cursor | None:
    """Return the cursor that `after` gives, None without one.

    Raises BadInput when it is malformed.
    """
    after = parameters.get("after")
    return None if after is None else Cursor.parse(after)


def channel_of(parameters: dict[str, str]) -> str:
    """Return the name of the channel that is asked for, empty for the default one.

    Raises BadInput when no channel can have that name.
    """
    name = parameters.get("channel", "")
    if name and not is_channel(name):
        raise BadInput(f"channel must be 1 to 32 letters, digits, _ and -, got {shown(name)}")
    return name


def start_of(parameters: dict[str, str], channel: Channel) -> Cursor | None:
    """Return the cursor after which a client starts: `after`, or before as many of the newest as `last` says.

    Without either it is None, and the client starts with the next update. Raises BadInput when one is malformed, or
    when there are both.
    """
    after, last = cursor_of(parameters), parameters.get("last")
    if last is None:
        return after
    if after is not None:
        raise BadInput("last and after are two places to start from: give one of them")
    if not (_COUNT.fullmatch(last) and int(last) <= MOST_LAST):
        raise BadInput(f"last must be a whole number from 1 to {MOST_LAST:,}, got {shown(last)}")
    return channel.recent.before_newest(int(last))


def latest_only_of(parameters: dict[str, str]) -> bool:
    """Return whether `deliver` asks for the newest update only.

    Raises BadInput when it is neither all nor latest.
    """
    deliver = parameters.get("deliver", "all")
    if deliver not in {"all", "latest"}:
        raise BadInput(f"deliver must be all or latest, got {shown(deliver)}")
    return deliver == "latest"


def seconds_of(parameters: dict[str, str], name: str, default: float, most: float) -> float:
    """Return a number of seconds from 0 to `most`.

    Raises BadInput when it is anything else.
    """
    text = parameters.get(name)
    if text is None:
        return default
    seconds = float(text) if _DECIMAL.fullmatch(text) else -1.0  # float() alone would take 1_0, nan and blanks
    if not 0 <= seconds <= most:
        raise BadInput(f"{name} must be a number of seconds from 0 to {most:g}, got {shown(text)}")
    return seconds


def fan_out_of(parameters: dict[str, str]) -> bool:
    """Return whether messages go on to the producer. Raises BadInput when it is neither true nor false."""
    fan_out = parameters.get("fan_out", "false")
    if fan_out not in {"true", "false"}:
        raise BadInput(f"fan_out must be true or false, got {shown(fan_out)}")
    return fan_out == "true"


def ns_of(parameters: dict[str, str], name: str) -> int:
    """Return a time in Unix nanoseconds. Raises BadInput when it is missing, or no such time."""
    text = parameters.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadInput(f"{name} must be a time in Unix nanoseconds, got {shown(text)}")
    return int(text)
