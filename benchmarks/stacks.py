"""Stacks of a profile, as `perf script -F ip,sym,dso` prints them: where the time of each was spent, without I/O."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

KERNEL = "[kernel.kallsyms]"
WAKING = "sock_def_readable"
"""The kernel's function that wakes the process at the other end of a connection."""
SYSCALLS = (
    (re.compile(r"^__x64_sys_(send|write)|^__sys_send|^ksys_write"), "sending"),
    (re.compile(r"^__x64_sys_(recv|read)|^__sys_recv|^ksys_read"), "receiving"),
    (re.compile(r"^(__x64_sys|do)_epoll"), "waiting"),
)
LIBRARIES = (
    (re.compile(r"uvloop"), "uvloop"),
    (re.compile(r"gevent|greenlet|corecext"), "gevent"),
    (re.compile(r"msgspec|_core\."), "msgspec"),
    (re.compile(r"libpython|/python3?[\d.]*$"), "Python"),
)
PLACES = (
    "sending",
    "of it, waking",
    "receiving",
    "waiting",
    "kernel, other",
    "Python",
    "uvloop",
    "gevent",
    "msgspec",
    "other",
)

_FRAME = re.compile(r"^\s*[0-9a-f]+ (?P<symbol>\S.*?) \((?P<library>.*)\)$")


class StackFrame(NamedTuple):
    """One frame: the function, and the file that it is from."""

    symbol: str
    library: str


def stacks_of(text: str) -> Iterator[list[StackFrame]]:
    """Yield the stack of each sample, the innermost frame first."""
    for block in re.split(r"\n\s*\n", text):
        frames = [
            StackFrame(found["symbol"], found["library"])
            for line in block.splitlines()
            if (found := _FRAME.match(line))
        ]
        if frames:
            yield frames


def place_of(stack: list[StackFrame]) -> str:
    """Return where a sample was: in which system call, or in which library."""
    for frame in stack:
        if frame.library == KERNEL:
            for pattern, place in SYSCALLS:
                if pattern.search(frame.symbol):
                    return place
    innermost = stack[0]
    if innermost.library == KERNEL:
        return "kernel, other"
    return next((place for pattern, place in LIBRARIES if pattern.search(innermost.library)), "other")


def shares_of(stacks: Iterable[list[StackFrame]]) -> dict[str, float]:
    """Return the part of all samples that was in each of `PLACES`; "of it, waking" is a part of "sending"."""
    counts: Counter[str] = Counter()
    for stack in stacks:
        counts[place := place_of(stack)] += 1
        counts["all"] += 1
        if place == "sending" and any(frame.symbol == WAKING for frame in stack):
            counts["of it, waking"] += 1
    return {place: counts[place] / max(1, counts["all"]) for place in PLACES}
