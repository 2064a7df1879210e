"""Streams of random numbers: one for each purpose."""

import re
from pathlib import Path

import pytest

from wirerace.streams import stream

ROOT = Path(__file__).parents[2]


def test_stream_repeats_with_seed_and_name() -> None:
    assert stream(3, "gaps", 7).random() == stream(3, "gaps", 7).random()


@pytest.mark.parametrize("other", [(4, "gaps", 7), (3, "sizes", 7), (3, "gaps", 8), (3, "gaps"), (37, "gaps")])
def test_stream_of_another_seed_or_name_is_another(other: tuple[int, str]) -> None:
    assert stream(3, "gaps", 7).random() != stream(*other).random()


def test_every_generator_of_the_project_is_derived_by_name() -> None:
    """Two generators that start from a bare seed would be identical."""
    sources = [path for package in ("wirerace", "services", "loadtests") for path in (ROOT / package).rglob("*.py")]
    made = {path.name for path in sources if re.search(r"random\.Random\(|random\.seed\(", path.read_text("utf-8"))}
    assert {"streams.py"} == made
