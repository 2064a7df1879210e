"""Inputs that no reader expects, mostly valid ones with damage. The only allowed outcome is one of our own errors.

Hypothesis seeds the choices of a batch, and does not make each of them. That is many times as fast, and the damage is
small without its shrinking. A harmful input is noted at the error.
"""

import copy
import functools
import json
import os
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from wirerace.errors import WireraceError

INPUTS = int(os.environ.get("WIRERACE_FUZZ_INPUTS", "0"))
"""For each test, new ones each time; 0 for few that are always the same."""
FEW = 300
BATCH = 20

Given = TypeVar("Given")

counts = {"inputs": 0, "refused": 0}

WORDS = (
    b"\xff", b"\x00", b"\x1b[2J", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\xbd", b"\r", b"\n", b"\r\n", b'"', b"'",
    b"\\", b"{", b"}", b"[", b"]", b"[" * 3_000, b'{"a":' * 3_000, b"\\ud83d", b"\\u0000", "\u202e\u2028ä–😀".encode(),
    b"nan", b"-inf", b"Infinity", b"1e999", b"-1e308", b"5e-324", b"1e-320", b"9" * 400, b"9" * 5_000, b"-0", b"0",
    b"-1", b"1", b"0.5", b"0,5", b"1_0", b"0x10", b"1e99", b"4611686018427387905", b"9223372036854775808",
    b"18446744073709551616", b"1700000000", b"1700000000000", b"null", b"true", b"{}", b"[]", b"[[]]", b'""', b'"x"',
    b"2024-01-01", b"2024-01-01 00:00:00,123", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00", b",", b";",
    b"\t", b" ", b"=", b".", b"#", b"%00", b"&", b"/", b"-", b"[/b]", b"[bold]", b"x" * 5_000,
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.5, 1e308, -1e308, 5e-324, 2**53, 2**62, 2**63, 2**64, 10**30, -(2**63), "",
    "x", "polling", "trace", "poisson", "foo", "[/b]", "\x1b[2J\n", "x" * 500, "\u202e", "1", "nan", [], [None], [1],
    ["x"], [[]], [[0, "a"], [1, None]], [[1, "a"], [0, "b"]], {}, {"x": 1}, {"count": 1}, {"clients": 1, "seconds": 1},
    {"min": 1, "median": 2, "max": 3},
)  # fmt: skip


def fuzzed(test: Callable[..., None]) -> Callable[..., None]:
    """Call a test with `random`, which makes its choices, for the configured number of inputs."""

    @settings(
        max_examples=(INPUTS or FEW) // BATCH,
        derandomize=not INPUTS,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(random=st.randoms(use_true_random=True))
    @functools.wraps(test)
    def run(random: Random, **fixtures: Any) -> None:
        for _ in range(BATCH):
            test(random=random, **fixtures)

    return run


def refuses_by_errors_of_its_own(read: Callable[[Given], object], given: Given) -> None:
    """Read an input. Only one of our own errors may result, on one printable line."""
    counts["inputs"] += 1
    try:
        read(given)
    except WireraceError as error:
        counts["refused"] += 1
        line = str(error)
        assert line.isprintable(), (given, line)
        assert 0 < len(line) < 2_000, (given, line)
    except Exception as error:
        error.add_note(f"when it read {given!r}"[:5_000])
        raise


def damaged(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Return a valid input after one to four accidents; one in ten was never valid."""
    if random.random() < 0.1:
        return b"".join(random.choices(WORDS, k=random.randint(0, 5)))
    data = random.choice(seeds)
    for _ in range(random.randint(1, 4)):
        begin = random.randint(0, len(data))
        end = min(len(data), begin + random.randint(0, 20))
        data = random.choice(ACCIDENTS)(random, data, begin, end)
    return data


def damaged_text(random: Random, seeds: Sequence[bytes]) -> str:
    """Return such an input in the form in which Python gets arguments and variables."""
    return damaged(random, seeds).decode(errors="surrogateescape")


def _flipped(random: Random, data: bytes, begin: int, _end: int) -> bytes:
    flip = random.randint(1, 255)
    return data[:begin] + bytes(byte ^ flip for byte in data[begin : begin + 1]) + data[begin + 1 :]


def _cut(_random: Random, data: bytes, begin: int, _end: int) -> bytes:
    return data[:begin]


def _left_out(_random: Random, data: bytes, begin: int, end: int) -> bytes:
    return data[:begin] + data[end:]


def _repeated(random: Random, data: bytes, begin: int, end: int) -> bytes:
    return data[:end] + data[begin:end] * random.randint(1, 50) + data[end:]


def _replaced(random: Random, data: bytes, begin: int, end: int) -> bytes:
    return data[:begin] + random.choice(WORDS) + data[end:]


def _number_changed(random: Random, data: bytes, begin: int, _end: int) -> bytes:
    number = _NUMBER.search(data, begin) or _NUMBER.search(data)
    return data if number is None else _replaced(random, data, number.start(), number.end())


def _lines_swapped(random: Random, data: bytes, _begin: int, _end: int) -> bytes:
    lines = data.splitlines(keepends=True)
    if len(lines) > 1:
        one, other = random.randrange(len(lines)), random.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


ACCIDENTS = (_flipped, _cut, _left_out, _repeated, _replaced, _replaced, _number_changed, _lines_swapped)


def edited(random: Random, documents: Sequence[Any]) -> bytes:
    """Return a document of JSON with one to three of its values changed, left out, doubled, or under another key."""
    whole = copy.deepcopy(random.choice(documents))
    for _ in range(random.randint(1, 3)):
        place = _place_in(random, whole)
        if place:
            _edit(random, place, random.choice(list(place) if isinstance(place, dict) else range(len(place))))
    return as_json(whole)


def _place_in(random: Random, whole: Any) -> Any:
    place = whole
    for _ in range(random.randint(0, 8)):
        values = place.values() if isinstance(place, dict) else place
        inner = [value for value in values if isinstance(value, dict | list) and value]
        if not inner:
            break
        place = random.choice(inner)
    return place


def _edit(random: Random, place: Any, key: Any) -> None:
    kind = random.randint(0, 5)
    if kind == 0:
        del place[key]
    elif kind == 1 and isinstance(place, dict):
        place[random.choice(("x", "polling", "", "\x1b", key))] = place.pop(key)
    elif kind == 1:
        place.append(place[key])
    else:
        place[key] = copy.deepcopy(random.choice(VALUES))


def damaged_or_edited(random: Random, documents: Sequence[Any]) -> bytes:
    """Return a document of JSON that a person has edited, or a disk has damaged."""
    if random.random() < 0.5:
        return edited(random, documents)
    return damaged(random, list(map(as_json, documents)))


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()
