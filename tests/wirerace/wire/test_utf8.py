"""UTF-8 that comes in parts, compared with the table of well-formed byte sequences in the Unicode standard."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.wire.utf8 import Utf8

TAIL = (0x80, 0xBF)
WELL_FORMED = [
    [(0x00, 0x7F)],
    [(0xC2, 0xDF), TAIL],
    [(0xE0, 0xE0), (0xA0, 0xBF), TAIL],
    [(0xE1, 0xEC), TAIL, TAIL],
    [(0xED, 0xED), (0x80, 0x9F), TAIL],
    [(0xEE, 0xEF), TAIL, TAIL],
    [(0xF0, 0xF0), (0x90, 0xBF), TAIL, TAIL],
    [(0xF1, 0xF3), TAIL, TAIL, TAIL],
    [(0xF4, 0xF4), (0x80, 0x8F), TAIL, TAIL],
]
"""Table 3-7: for each byte of a character, the least and the most that it may be."""


def first_impossible(text: bytes) -> int | None:
    """Return the index of the byte that makes UTF-8 impossible, len(text) if one is missing, None if it is UTF-8."""
    allowed, place = list(WELL_FORMED), 0
    for index, byte in enumerate(text):
        allowed = [row for row in allowed if row[place][0] <= byte <= row[place][1]]
        if not allowed:
            return index
        place += 1
        if len(allowed[0]) == place:
            allowed, place = list(WELL_FORMED), 0
    return len(text) if place else None


def refused_at(text: bytes) -> int | None:
    """Return the index of the byte at which text that comes byte by byte is refused, len(text) for its end."""
    utf8 = Utf8()
    for index in range(len(text)):
        if not utf8.takes(text[index : index + 1], is_last=False):
            return index
    return None if utf8.takes(b"", is_last=True) else len(text)


EDGES = sorted(
    {edge for row in WELL_FORMED for least_and_most in row for edge in least_and_most} | {0xC0, 0xC1, 0xF5, 0xFF}
)
characters = st.text(max_size=3).map(str.encode)
texts = st.one_of(
    st.binary(max_size=12),
    st.lists(st.one_of(characters, st.sampled_from(EDGES).map(lambda edge: bytes([edge]))), max_size=6).map(b"".join),
)


@given(texts)
def test_text_is_refused_at_the_first_byte_that_makes_it_impossible(text: bytes) -> None:
    assert first_impossible(text) == refused_at(text)


@pytest.mark.long
def test_every_beginning_of_a_character_is_judged_as_the_standard_does() -> None:
    for beginning in itertools.product(EDGES, repeat=3):
        text = bytes(beginning)
        assert first_impossible(text) == refused_at(text), text


@given(texts, st.lists(st.integers(0, 12), max_size=4))
def test_parts_are_judged_as_the_whole(text: bytes, cuts: list[int]) -> None:
    utf8 = Utf8()
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    taken = all(utf8.takes(text[start:stop], is_last=False) for start, stop in itertools.pairwise(edges))

    assert (first_impossible(text) is None) == (taken and utf8.takes(b"", is_last=True))


@given(st.lists(st.text(max_size=5).map(str.encode), max_size=4))
def test_one_checker_checks_one_text_after_the_other(whole: list[bytes]) -> None:
    utf8 = Utf8()

    assert all(utf8.takes(text, is_last=True) for text in whole)
