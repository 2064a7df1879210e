"""Troubles: what keeps a service from its work right now. Each is logged once when it begins and once when it ends."""

import logging

logger = logging.getLogger(__name__)


class Troubles:
    """The troubles of one service, by name; `/health` is 503 while there are any."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __str__(self) -> str:
        return "; ".join(self._lines.values())

    def begin(self, name: str, line: str) -> None:
        """Note a trouble. It is logged if it is new."""
        if name not in self._lines:
            logger.error("%s", line)
        self._lines[name] = line

    def end(self, name: str, line: str) -> None:
        """Note that a trouble is over, if there was one of that name."""
        if self._lines.pop(name, ""):
            logger.info("%s", line)
