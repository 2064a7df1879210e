"""The promises: a module for each group. Each declares its own when it is imported."""

from collections.abc import Collection
from importlib import import_module

from wirerace.checking.promise import Promise, promises_of
from wirerace.errors import BadInput
from wirerace.similar import did_you_mean, similar

GROUPS = (
    "serving",
    "starting",
    "polls",
    "holds",
    "streams",
    "events",
    "sockets",
    "breaking",
    "stopping",
    "conditional",
    "choosing",
    "messages",
    "compression",
    "pages",
    "channels",  # last: a server that knows no channels cannot read a feed that has some
)
"""In the order in which they are checked."""

for _group in GROUPS:
    import_module(f"{__name__}.{_group}")


def promises_for(transport: str, only: Collection[str] = ()) -> list[Promise]:
    """Return the promises of a transport, or those of them with these ids.

    Raises BadInput when it has none with such an id.
    """
    promises = promises_of(transport)
    ids = [promise.id for promise in promises]
    for name in only:
        if name not in ids:
            meant = did_you_mean(similar(name, ids))
            raise BadInput(f"--only {name}: {transport} has no such promise{meant} --list prints all")
    return [promise for promise in promises if not only or promise.id in only]
