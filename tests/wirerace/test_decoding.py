"""The error of a wrong value names its key, its cure and what was given."""

from typing import Annotated, Literal, NamedTuple

import msgspec
import pytest
from msgspec import Meta

from tests.refusals import lacking
from wirerace.decoding import Misfit, convert, decode_json

TOP_KEYS = "kind, inner, pairs, fixed, named, url"


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
    ("text", "place", "facts"),
    [
        ("[]", "", ["a table", "[]"]),
        ('{"kind": "three"}', "kind", ["one, two", "'three'"]),
        ('{"kind": "two"}', "there is only one", []),
        ('{"inner": {"rate": 1, "count": 0}}', "inner.count", ["whole number", "at least 1", "0"]),
        ('{"inner": {"rate": 1, "size": "x\\ny"}}', "inner.size", ["a number", r"'x\ny'"]),
        ('{"inner": {}}', "rate", ["missing", "inner"]),
        ('{"inner": {"rates": 1}}', "rates", ["[inner]", "count, size, rate"]),
        ('{"sp\\u001b": 1}', r"'sp\x1b'", ["top level", TOP_KEYS]),
        ('{"pairs": [[1, "a"], ["b", "c"]]}', "pairs[1][0]", ["whole number", "'b'"]),
        ('{"pairs": [[1]]}', "pairs[0]", ["a list of length 2", "[1]"]),
        ('{"fixed": [1, 2]}', "fixed[1]", ["true or false", "2"]),
        ('{"named": {"a": {"rate": true}}}', "named[…].rate", ["a number"]),
        ('{"named": {"b": {"rate": 1}}}', "named", ["invalid", "'b'"]),
        ('{"named": {"' + "b" * 999 + '": 1}}', "named", ["invalid", f"'{'b' * 179}…"]),
        ('{"' + "b" * 999 + '": 1}', f"'{'b' * 80}…", ["top level", TOP_KEYS]),
        ('{"url": "y"}', "url", ["text of another form", "'y'"]),
        ('{"inner": {"rate": ' + "9" * 400 + "}}", "inner.rate", ["a number of 64 bits", f"{'9' * 81}…"]),
        ('{"kind": "three", "inner": nonsense', "kind", ["one, two"]),
        ("", "", ["no JSON", "truncated"]),
        ("{]", "", ["no JSON", "object keys must be strings", "byte 1"]),
        ("[" * 100_000, "", ["a table"]),
        ('{"pairs": ' + "[" * 100_000, "pairs[0][0]", ["whole number"]),
    ],
    ids=lambda text: str(text)[:40],
)
def test_misfit_names_key_cure_and_value_on_one_line(text: str, place: str, facts: list[str]) -> None:
    with pytest.raises(Misfit) as refusal:
        decode_json(text.encode(), Whole)

    assert [] == lacking(str(refusal.value), place, facts), refusal.value


@pytest.mark.parametrize("encoded", [b'{"url": "\xff"}', b'{"\xed\xa0\xbd": 1}'])
def test_bytes_that_are_no_utf8_are_refused(encoded: bytes) -> None:
    with pytest.raises(Misfit, match=r"^no JSON.*UTF-8"):
        decode_json(encoded, Whole)


def test_nesting_that_is_too_deep_is_refused() -> None:
    with pytest.raises(Misfit, match=r"^nested too deeply$"):
        decode_json(b'{"x": ' + b"[" * 100_000, dict[str, object])


def test_caller_names_the_whole_and_each_value_again() -> None:
    with pytest.raises(Misfit) as refusal:
        convert({"rate": "fast"}, Inner, "clients")

    misfit = refusal.value
    assert [] == lacking(str(misfit), "clients.rate", ["a number", "'fast'"])
    assert (["rate"], f"clients.rate{misfit.wrong}") == (misfit.keys, str(misfit))


def test_text_that_is_none_is_named_by_its_key() -> None:
    """Bytes of an argument or a variable that are no UTF-8: Python makes halves of surrogate pairs of them."""
    with pytest.raises(Misfit) as refusal:
        convert({"kind": "one", "pairs": [[1, "a"], ["\udcff", "b"]]}, Whole, strict=False)

    assert [] == lacking(str(refusal.value), "pairs[1][0]", ["UTF-8"])
    assert ["pairs", 1, 0] == refusal.value.keys


def test_text_may_stand_for_a_number_where_it_comes_from_a_form() -> None:
    assert Inner(rate=2.0) == convert({"rate": "2"}, Inner, strict=False)
