"""Probes as datagrams: what is asked comes back with the times of both places, and nothing else is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.wire.probe import PROBE_BYTES, ClockProbe, answer, question, read_answer, spacing_ns, stamp_in

TIMES = st.integers(1, 2**64 - 1)


@given(number=st.integers(0, 2**32 - 1), sent=TIMES, received=TIMES, answered=TIMES, arrived=TIMES)
def test_answer_has_the_times_of_both_places(
    number: int, sent: int, received: int, answered: int, arrived: int
) -> None:
    asked = question(number, sent)
    said = answer(asked, received, answered)

    assert said is not None
    assert len(asked) == len(said) == PROBE_BYTES
    assert read_answer(said, arrived) == (number, ClockProbe(sent, received, answered, arrived))


@given(st.binary(max_size=2 * PROBE_BYTES))
def test_nonsense_is_neither_answered_nor_believed(data: bytes) -> None:
    assert answer(data, 1, 2) is None
    assert read_answer(data, 1) is None


def test_answer_is_no_question_and_a_question_no_answer() -> None:
    """Otherwise two hosts could answer each other for ever."""
    said = answer(question(1, 2), 3, 4)

    assert said is not None
    assert answer(said, 5, 6) is None
    assert read_answer(question(1, 2), 3) is None


def test_probe_says_how_far_the_other_clock_is_ahead() -> None:
    """It is 1000 ahead; 30 there and 50 back make it wrong by ten."""
    probe = ClockProbe(sent_ns=0, received_ns=1030, answered_ns=1035, arrived_ns=85)

    assert probe.round_trip_ns == 80
    assert probe.ahead_ns == 990
    assert probe.at_ns == 42


@pytest.mark.parametrize(("there", "back"), [(40, 0), (0, 40), (10, 40)])
def test_spacing_shows_a_queue_on_either_way(there: int, back: int) -> None:
    first = ClockProbe(0, 30, 31, 60)
    second = ClockProbe(10, 40 + there, 41 + there, 70 + there + back)

    assert spacing_ns(first, second) == 40


def test_stamp_is_read_from_what_comes_beside_a_datagram() -> None:
    stamped = (3).to_bytes(8, "little") + (7).to_bytes(8, "little")

    assert stamp_in([(1, 35, stamped)]) == 3_000_000_007
    assert stamp_in([(1, 35, b"short")]) is None
    assert stamp_in([]) is None
