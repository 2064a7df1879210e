"""Keys of older versions: each is refused with the line to write instead."""

from collections.abc import Iterator
from typing import Any

from wirerace.errors import BadInput
from wirerace.experiment.toml import inline

PLACE = "at the top of the file, above its first table"


def refuse_older_keys(document: dict[str, Any]) -> None:
    """Raise BadInput when a file has a key of an older version, with the line to write instead."""
    for key, line in _older(document):
        raise BadInput(f"{key} has been replaced: take it out, and write {line} {PLACE}")


def _older(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each older key, and the line to write instead."""
    if "variants" in document:
        yield "variants", f"contestants = {inline(_contestants(document['variants']))}"
    if "link" in document:
        link = document["link"]
        path = link if isinstance(link, dict) and link else {"delay_seconds": 0.05}
        yield "link", f'path = "link" and paths = {inline({"link": path})}'
    if "stall" in document:
        fault = {"kind": "stall", "on": "server", "at_seconds": 1.0} | _table(document["stall"])
        yield "stall", f"faults = {inline([fault])}"
    clients = _table(document.get("clients"))
    if "storm" in clients or clients.get("shape") == "storm":
        fault = {"kind": "cut", "on": "clients", "at_seconds": 5.0} | _table(clients.get("storm"))
        yield "clients.shape = storm" if "shape" in clients else "clients.storm", f"faults = {inline([fault])}"


def _contestants(variants: Any) -> list[dict[str, Any]]:
    """Return the contestants that are equivalent to older variants."""
    return [
        {"id": f"{transport}-{name}", "transport": transport, "options": options}
        for name, tables in _table(variants).items()
        for transport, options in _table(tables).items()
    ] or [{"id": "polling-closed", "transport": "polling", "options": {"keep_alive": False}}]


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
