"""What does not fit its type is named by its key, its cure and what was given."""

from typing import Annotated, Literal, NamedTuple

import msgspec
import pytest
from msgspec import Meta

from wirerace.decoding import Misfit, convert, decode_json


class Pair(NamedTuple):
    size: int
    name: str


class Inner(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    count: Annotated[int, Meta(ge=1)] = 1
    size: float = 0.0
    rate: float


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["one", "two"] | None = None
    inner: Inner | None = None
    pairs: list[Pair] = []
    fixed: tuple[int, bool] | int = 0
    named: dict[Literal["a"], Inner] = {}
    url: Annotated[str, Meta(pattern="^x+$")] = "x"

    def __post_init__(self) -> None:
        if self.kind == "two":
            raise ValueError("there is only one")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[]", "must be a table, got []"),
        ('{"kind": "three"}', "kind must be one of one, two, got 'three'"),
        ('{"kind": "two"}', "there is only one"),
        ('{"inner": {"rate": 1, "count": 0}}', "inner.count must be a whole number at least 1, got 0"),
        ('{"inner": {"rate": 1, "size": "x\\ny"}}', r"inner.size must be a number, got 'x\ny'"),
        ('{"inner": {}}', "rate is missing; add it to inner"),
        ('{"inner": {"rates": 1}}', "rates is no key of [inner]; there are count, size, rate"),
        ('{"sp\\u001b": 1}', r"'sp\x1b' is no key of the top level; there are kind, inner, pairs, fixed, named, url"),
        ('{"pairs": [[1, "a"], ["b", "c"]]}', "pairs[1][0] must be a whole number, got 'b'"),
        ('{"pairs": [[1]]}', "pairs[0] must be a list of length 2, got [1]"),
        ('{"fixed": [1, 2]}', "fixed[1] must be true or false, got 2"),
        ('{"named": {"a": {"rate": true}}}', "named[…].rate must be a number"),
        ('{"named": {"b": {"rate": 1}}}', "named: invalid enum value 'b'"),
        ('{"named": {"' + "b" * 999 + '": 1}}', f"named: invalid enum value '{'b' * 179}…"),
        (
            '{"' + "b" * 999 + '": 1}',
            f"'{'b' * 80}… is no key of the top level; there are kind, inner, pairs, fixed, named, url",
        ),
        ('{"url": "y"}', "url must be text of another form, got 'y'"),
        ('{"inner": {"rate": ' + "9" * 400 + "}}", f"inner.rate must be a number of 64 bits, got {'9' * 81}…"),
        ('{"kind": "three", "inner": nonsense', "kind must be one of one, two"),
        ("", "no JSON: input data was truncated"),
        ("{]", "no JSON: malformed: object keys must be strings (byte 1)"),
        ("[" * 100_000, "must be a table"),
        ('{"pairs": ' + "[" * 100_000, "pairs[0][0] must be a whole number"),
    ],
    ids=lambda text: text[:40],
)
def test_misfit_names_key_cure_and_value_on_one_line(text: str, line: str) -> None:
    with pytest.raises(Misfit) as refusal:
        decode_json(text.encode(), Whole)

    assert line == str(refusal.value)


@pytest.mark.parametrize("encoded", [b'{"url": "\xff"}', b'{"\xed\xa0\xbd": 1}'])
def test_bytes_that_are_no_utf8_are_refused(encoded: bytes) -> None:
    with pytest.raises(Misfit, match=r"^no JSON: not UTF-8$"):
        decode_json(encoded, Whole)


def test_nesting_that_nobody_reads_is_refused() -> None:
    with pytest.raises(Misfit, match=r"^nested too deeply$"):
        decode_json(b'{"x": ' + b"[" * 100_000, dict[str, object])


def test_caller_names_the_whole_and_each_value_anew() -> None:
    with pytest.raises(Misfit) as refusal:
        convert({"rate": "fast"}, Inner, "clients")

    misfit = refusal.value
    assert "clients.rate must be a number, got 'fast'" == str(misfit)
    assert (["rate"], " must be a number, got 'fast'") == (misfit.keys, misfit.wrong)


def test_text_that_is_none_is_named_by_its_key() -> None:
    """Bytes of an argument or a variable that are no UTF-8: Python makes halves of surrogate pairs of them."""
    with pytest.raises(Misfit) as refusal:
        convert({"kind": "one", "pairs": [[1, "a"], ["\udcff", "b"]]}, Whole, strict=False)

    assert ("pairs[1][0] must be UTF-8", ["pairs", 1, 0]) == (str(refusal.value), refusal.value.keys)


def test_text_may_stand_for_a_number_where_it_comes_from_a_form() -> None:
    assert Inner(rate=2.0) == convert({"rate": "2"}, Inner, strict=False)
