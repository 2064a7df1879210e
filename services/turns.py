"""Turns of the event loop, counted: whether two things came together or one after the other."""

import asyncio


class Turns:
    """Counts two turns after each `mark`, and no more, so that an idle server does nothing."""

    def __init__(self) -> None:
        self.count = 0
        self._marked = self._counting = False

    def mark(self) -> int:
        """Return the count, and count on."""
        self._marked = True
        if not self._counting:
            self._counting = True
            asyncio.get_running_loop().call_soon(self._next)
        return self.count

    def _next(self) -> None:
        self.count += 1
        self._counting = self._marked
        if self._marked:
            self._marked = False
            asyncio.get_running_loop().call_soon(self._next)
