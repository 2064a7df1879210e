"""JSON objects in a stream that says nowhere where one ends."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.wire import objects
from wirerace.wire.objects import ObjectReader, ObjectTooLarge

VALUES = st.dictionaries(st.text(max_size=5), st.text(alphabet='{}[]"\\ é\nx', max_size=12), max_size=3)


def read(stream: bytes, size: int) -> list[bytes]:
    reader = ObjectReader()
    return [one for at in range(0, len(stream), size) for one in reader.feed(stream[at : at + size])]


@pytest.mark.long
@given(st.lists(VALUES, max_size=5), st.sampled_from(["", "\n", "\r\n", " ", "\n\n"]), st.integers(1, 40))
def test_objects_are_found_whatever_is_between_them_and_wherever_reads_end(
    values: list[dict[str, str]], between: str, size: int
) -> None:
    stream = between.join(json.dumps(value, ensure_ascii=False) for value in values).encode()

    assert values == [json.loads(one) for one in read(stream, size)]


def test_array_is_one_message() -> None:
    assert [b'[{"a":1},{"b":2}]'] == read(b'[{"a":1},{"b":2}]\n', 100)


def test_cut_object_waits_for_its_rest() -> None:
    reader = ObjectReader()

    assert ([], True) == (reader.feed(b'{"a":"}'), reader.is_cut)
    assert ([b'{"a":"}"}'], False) == (reader.feed(b'"}'), reader.is_cut)


def test_what_cannot_become_json_is_passed_on_at_once_so_that_it_can_be_shown() -> None:
    assert [b"<html>"] == ObjectReader().feed(b"<html>")


def test_object_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MOST_OBJECT_BYTES", 10)
    with pytest.raises(ObjectTooLarge, match="no end of an object after 11 bytes"):
        ObjectReader().feed(b'{"a": "xxxx')
