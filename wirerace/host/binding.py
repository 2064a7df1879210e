"""Binding this thread, and what it starts, to some cores."""

import contextlib
import os
from collections.abc import Collection, Iterator


@contextlib.contextmanager
def bound_to(cores: Collection[int]) -> Iterator[None]:
    """Bind this thread, and what it starts in this block, to some cores; empty means no change.

    A program that starts in it is bound from its first instruction on: it counts its cores, and starts its children,
    before anything else could bind it.
    """
    if not cores or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
