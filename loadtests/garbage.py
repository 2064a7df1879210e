"""The garbage collector in a load process: it looks rarely, and not at what lives as long as the clients."""

import gc

THRESHOLDS = (50_000, 20, 100)
"""How many new objects it lets pass before it looks at them, and how many looks before it looks at older ones."""


def collect_rarely() -> None:
    """Let it look rarely: clients make much that lives, and few circles that would have to be found.

    A process may run one test after the other. What was left out in the last one is garbage now.
    """
    gc.unfreeze()
    gc.collect()
    gc.set_threshold(*THRESHOLDS)


def settle() -> None:
    """Leave out from now on what is there: the clients. The window is about to begin.

    Otherwise every look would go through all objects of all clients, in which time none of them reads. It does not
    collect first: that is such a look, too, and little of what is there is garbage.
    """
    gc.freeze()
