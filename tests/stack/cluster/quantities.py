"""Quantities of resources as objects spell them, and what a pod asks for."""

from typing import NamedTuple

from tests.stack.cluster.store import Described

UNITS = {"m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}


class Requested(NamedTuple):
    """Cores, and bytes of memory."""

    cores: float
    memory_bytes: float


def amount(spelled: object) -> float:
    """Return the number that a quantity such as `500m` or `256Mi` means."""
    text = str(spelled)
    unit = next((unit for unit in sorted(UNITS, key=len, reverse=True) if text.endswith(unit)), "")
    return float(text.removesuffix(unit)) * UNITS.get(unit, 1.0)


def requested(pod: Described) -> Requested:
    """Return what all containers of a pod request together: without a request their limit."""
    found = [one.get("resources", {}) for one in pod["spec"]["containers"]]
    wanted = [one.get("limits", {}) | one.get("requests", {}) for one in found]
    return Requested(*(sum(amount(one.get(name, 0)) for one in wanted) for name in ("cpu", "memory")))
