import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.errors import BadCursor, shown
from wirerace.wire.update import Batch, Cursor, Update, decode_batch, decode_update, encode_update, join_batch

epochs = st.from_regex(r"[0-9a-z]{1,16}", fullmatch=True)
cursors = st.builds(Cursor, epochs, st.integers(0, 10**18 - 1))
updates = st.builds(Update, epochs, st.integers(1, 10**18 - 1), st.integers(0, 2**63 - 1), st.text())


@pytest.mark.long
@given(updates)
def test_update_survives_the_wire(update: Update) -> None:
    assert update == decode_update(encode_update(update))


def test_update_is_spelled_as_the_contract_says() -> None:
    expected = b'{"epoch":"k3f9","seq":17,"ts":1790000000123456789,"data":"..."}'

    assert expected == encode_update(Update("k3f9", 17, 1790000000123456789, "..."))


@pytest.mark.long
@given(st.lists(updates, max_size=5))
def test_batch_joined_from_encoded_updates_has_them_all_in_order(several: list[Update]) -> None:
    assert Batch(several) == decode_batch(join_batch([encode_update(update) for update in several]))


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"{}",
        b"[]",
        b'{"epoch":"k3f9","seq":17,"ts":1}',
        b'{"epoch":"k3f9","seq":"17","ts":1,"data":""}',
        b'{"epoch":"k3f9","seq":17,"ts":1,"data":"',
    ],
)
def test_decoder_refuses_what_is_no_update(encoded: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_update(encoded)


@given(cursors)
def test_cursor_is_parsed_back_from_its_spelling(cursor: Cursor) -> None:
    assert cursor == Cursor.parse(str(cursor))


@pytest.mark.long
@given(st.one_of(st.text(), st.from_regex(r"[0-9a-zA-Z_]{0,18}-[-+0-9]{0,20}", fullmatch=True)))
def test_parser_takes_only_the_one_spelling_of_a_cursor(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except BadCursor:
        return
    assert text == str(cursor)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "k3f9",
        "k3f9-",
        "-17",
        "k3f9-017",
        "k3f9--1",
        "k3f9-+1",
        "k3f9-1.0",
        "k3f9-1 ",
        " k3f9-1",
        "k3f9-1\n",
        "K3F9-1",
        "k3f9_1",
        "k3f9-1_000",
        "k3-f9-1",
        "k3f9-٣",
        "é-1",
        "a" * 17 + "-1",
        "k3f9-" + "1" * 19,
    ],
)
def test_parser_refuses_what_is_no_cursor_and_names_the_parameter_and_the_cure(text: str) -> None:
    with pytest.raises(BadCursor, match=r"^after must be a cursor <epoch>-<seq> .* for example k3f9-17$") as refusal:
        Cursor.parse(text)
    assert f" not {shown(text)}: " in str(refusal.value)
