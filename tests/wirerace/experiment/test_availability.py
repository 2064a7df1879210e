"""A bound of age below what is usual without a fault is warned of, with the contestant and the cure."""

from pathlib import Path
from typing import Any

import pytest

from wirerace.experiment.availability import bound_cautions
from wirerace.experiment.reading import study_of

CUT = {"kind": "cut", "on": "clients", "at_seconds": 1}


def cautions(bound: float, *faults: dict[str, Any], **keys: Any) -> list[str]:
    document: dict[str, Any] = {
        "title": "t",
        "transports": ["polling", "websocket"],
        "producer": {"rate_per_second": 10},
        "polling": {"interval_seconds": 0.5},
    }
    bounded = {"faults": list(faults), "availability": {"age_seconds": bound}} if faults else {}
    return bound_cautions(study_of(document | bounded | keys, Path()))


@pytest.mark.parametrize(("bound", "warned"), [(0.3, ["polling"]), (0.59, ["polling"]), (0.61, []), (1.0, [])])
def test_poller_whose_interval_is_above_the_bound_is_named(bound: float, warned: list[str]) -> None:
    found = cautions(bound, CUT)
    assert len(warned) == len(found)
    assert all(f"the age of {name} reaches 0.6 s" in line for name, line in zip(warned, found, strict=True))


def test_rare_updates_age_with_every_transport() -> None:
    found = cautions(1.0, CUT, producer={"rate_per_second": 0.5, "arrivals": "periodic"})
    assert ["polling reaches 2.5 s", "websocket reaches 2 s"] == [
        line.partition("the age of ")[2].partition(" without")[0] for line in found
    ]


def test_nothing_is_said_without_a_fault() -> None:
    assert [] == cautions(0.1)
