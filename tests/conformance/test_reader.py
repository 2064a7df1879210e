"""The cases without sockets: what our reader finds in their bytes, in every split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.cases import CASES, Case
from tests.conformance.running import at_once
from tests.contract.frames import BINARY, CLOSE, PING, PONG, TEXT, Received
from tests.wirerace.wire.framing import splits_of
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import FrameError, close_code_of

EVERY_CUT_BYTES = 300
"""What is beyond is cut at places that hypothesis draws."""


def answers_to(chunks: list[bytes]) -> list[Received]:
    """Return what a server answers that returns every message."""
    reader = FrameReader(masked=True, max_message_bytes=1 << 20)
    found: list[Received] = []
    try:
        for message in (message for chunk in chunks for message in reader.feed(chunk)):
            if message.opcode == CLOSE:
                return [*found, Received(CLOSE, close_code_of(message.payload))]
            if message.opcode != PONG:
                answer = PONG if message.opcode == PING else message.opcode
                found.append(Received(answer, message.payload))
    except FrameError as error:
        found.append(Received(CLOSE, error.code))
    return found


def whole(case: Case) -> tuple[bytes, list[Received]]:
    """Return all that is sent in a case, and all that is answered."""
    (step,) = at_once(case)
    return step.sent, list(step.expected)


@pytest.mark.parametrize("name", CASES)
def test_case_is_answered_in_one_piece_byte_by_byte_and_cut_anywhere(name: str) -> None:
    data, expected = whole(CASES[name])
    assert expected == answers_to([data])
    assert expected == answers_to([data[index : index + 1] for index in range(len(data))])
    for cut in range(min(len(data), EVERY_CUT_BYTES)):
        assert expected == answers_to([data[:cut], data[cut:]]), cut


@given(st.sampled_from(sorted(CASES)), st.data())
def test_case_is_answered_alike_in_any_pieces(name: str, data: st.DataObject) -> None:
    sent, expected = whole(CASES[name])
    assert expected == answers_to(data.draw(splits_of(sent)))


def test_all_kinds_of_answers_are_in_the_table() -> None:
    answers = [frame for case in CASES.values() for frame in whole(case)[1]]
    assert {TEXT, BINARY, PONG, CLOSE} == {frame.opcode for frame in answers}
    assert {1000, 1002, 1007, None} <= {frame.payload for frame in answers if frame.opcode == CLOSE}
