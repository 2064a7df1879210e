"""What was decoded last is not decoded again, and never stands for other bytes."""

import pytest

from loadtests.remembering import Remembering


def test_equal_bytes_in_a_row_are_decoded_once() -> None:
    decoded: list[bytes] = []

    def decode(data: bytes) -> int:
        decoded.append(data)
        return int(data)

    remembering = Remembering(decode)
    assert [1, 1, 2, 1] == [remembering(bytes(data)) for data in (b"1", bytearray(b"1"), b"2", b"1")]
    assert [b"1", b"2", b"1"] == decoded


def test_bytes_that_cannot_be_decoded_are_refused_every_time_and_leave_the_last_value() -> None:
    remembering = Remembering(int)
    assert 7 == remembering(b"7")
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            remembering(b"x")
    assert 7 == remembering(b"7")


def test_the_first_bytes_may_be_empty() -> None:
    assert b"" == Remembering(bytes)(b"")
