"""Typed values from outside. The error of a wrong value names its key, what it must be, and what was given."""

import re
import threading
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from wirerace.annotations import choices_of, extra_of, struct_in, type_inside
from wirerace.errors import MOST_SHOWN, BadInput, cut, is_text, shown
from wirerace.similar import did_you_mean, similar

Value = TypeVar("Value")
Key = str | int | None
"""A field, an index, or None for a key of a dict, which msgspec does not name."""

MOST_REASON = 200
"""The most characters of an error of msgspec, which may contain a value."""
_DECODERS: dict[Any, Any] = {}
_LEARNING = threading.Lock()
_KEY = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_WORDS = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "a table", "null": "nothing", "|": "or", ">=": "at least", ">": "above", "<=": "at most", "<": "below",
    "length": "length",
}  # fmt: skip


class Misfit(BadInput):
    """A value does not fit its type.

    `keys` lead from the whole to the value. `wrong` is the error without the value's name. A caller with another name
    for the value (a flag, a variable) can use that name.
    """

    def __init__(self, name: str, wrong: str, keys: Sequence[Key] = ()) -> None:
        super().__init__((name + wrong).lstrip(" :"))
        self.wrong = wrong
        self.keys = keys


def decode_json(encoded: bytes, of_type: type[Value], at: str = "") -> Value:
    """Return JSON as a value of a type; errors call the whole `at`.

    Raises Misfit.
    """
    try:
        return _decoder_of(of_type).decode(encoded)
    except msgspec.ValidationError as error:
        raise _misfit(error, _plain(encoded), of_type, at) from None
    except UnicodeDecodeError:
        raise Misfit(at, ": no JSON: not UTF-8") from None
    except msgspec.DecodeError as error:
        raise Misfit(at, f": no JSON: {_lowered(str(error)).removeprefix('JSON is ')}") from None
    except RecursionError:
        raise Misfit(at, ": nested too deeply") from None


def _decoder_of(of_type: type[Value]) -> "msgspec.json.Decoder[Value]":
    """Return the decoder of a type, made once.

    msgspec 0.22 learns a type when it is first used, and crashes when two threads do that at the same time.
    """
    found: msgspec.json.Decoder[Value] | None = _DECODERS.get(of_type)
    if found is None:
        with _LEARNING:
            found = _DECODERS.setdefault(of_type, msgspec.json.Decoder(of_type))
    return found


def convert(given: object, of_type: type[Value], at: str = "", *, strict: bool = True) -> Value:
    """Return plain values (of TOML, of a form) as a value of a type; errors call the whole `at`.

    With `strict` false, text may stand for a number or a truth value.

    Raises Misfit.
    """
    try:
        if hasattr(of_type, "__struct_fields__"):
            _decoder_of(of_type)
        return msgspec.convert(given, of_type, strict=strict)
    except msgspec.ValidationError as error:
        raise _misfit(error, given, of_type, at) from None
    except UnicodeEncodeError:
        keys = _keys_of_no_text(given)
        raise Misfit(spelled(at, keys), " must be UTF-8", keys) from None
    except RecursionError:
        raise Misfit(at, ": nested too deeply") from None


def _keys_of_no_text(given: object) -> list[Key]:
    """Return the keys that lead to the first string that is not text: bytes of an argument or a variable."""
    items: Iterable[tuple[Any, object]] = ()
    if isinstance(given, dict):
        items = given.items()
    elif isinstance(given, list | tuple):
        items = enumerate(given)
    for key, value in items:
        if isinstance(value, str) and not is_text(value):
            return [key]
        if keys := _keys_of_no_text(value):
            return [key, *keys]
    return []


def _plain(encoded: bytes) -> Any:
    """Return JSON as plain values; UNSET when it is malformed after the first misfit."""
    try:
        return msgspec.json.decode(encoded)
    except (ValueError, RecursionError):
        return msgspec.UNSET


def _misfit(error: msgspec.ValidationError, given: Any, of_type: Any, at: str) -> Misfit:
    """Return msgspec's error in our words. Its text is all that msgspec gives."""
    reason, keys = _taken_apart(str(error))
    whole = spelled(at, keys)
    quoted = reason.partition("`")[2].rpartition("`")[0]
    annotation = of_type
    for key in keys:
        annotation = type_inside(annotation, key)
        given = _inside(given, key)
    if "unknown field" in reason:
        struct = struct_in(annotation)
        fields = struct.__struct_fields__ if struct else ()
        names = f"{did_you_mean(similar(quoted, fields))} there are {', '.join(fields)}" if fields else "; it has none"
        name = quoted if quoted.isidentifier() and len(quoted) <= MOST_SHOWN else shown(quoted)
        place = f"[{whole}]" if whole else "the top level"
        return Misfit(name, f" is no key of {place}{names}", keys)
    if "missing required field" in reason:
        return Misfit(quoted, f" is missing; add it {f'to {whole}' if whole else 'at the top level'}", keys)
    wanted = _wanted(annotation, reason)
    if not wanted:
        return Misfit(whole, f": {cut(_lowered(reason), MOST_REASON)}", keys)
    return Misfit(whole, f" must be {wanted}" + ("" if given is msgspec.UNSET else f", got {shown(given)}"), keys)


def _taken_apart(text: str) -> tuple[str, list[Key]]:
    """Return the reason in msgspec's text, and the keys that lead to the value."""
    reason, _, path = text.rpartition(" - at `")
    if not path.startswith(("$", "key` in `$")):
        return text, []
    found = list(_KEY.finditer(path))
    keys: list[Key] = [match["field"] or (int(match["index"]) if match["index"] else None) for match in found]
    return reason, keys


def spelled(at: str, keys: Sequence[Key]) -> str:
    """Return keys as people write them: clients.steps.stages[1]."""
    parts = (f".{key}" if isinstance(key, str) else "[…]" if key is None else f"[{key}]" for key in keys)
    return (at + "".join(parts)).removeprefix(".")


def _inside(given: Any, key: Key) -> Any:
    """Return the member under a key, UNSET when it is not known."""
    try:
        return msgspec.UNSET if key is None else given[key]
    except (LookupError, TypeError):
        return msgspec.UNSET


def _wanted(annotation: object, reason: str) -> str:
    """Return in words what a value of this type must be; empty when msgspec's `reason` says it already."""
    if choices := choices_of(annotation):
        return "one of " + ", ".join(choices)
    if " matching regex " in reason:
        example = extra_of(annotation, "example")
        return f"text such as {example}" if example else "text of another form"
    if reason.endswith("out of range"):
        return "a number of 64 bits"
    if not reason.startswith("Expected "):
        return ""
    expected = _lowered(reason).removeprefix("expected ").partition(", got ")[0].replace(" | null", "")
    return " ".join(_WORDS.get(word, word) for word in expected.split())


def _lowered(reason: str) -> str:
    """Return an error of msgspec as the second half of a sentence."""
    reason = reason.replace("`", "")
    return reason if reason[1:2].isupper() else reason[:1].lower() + reason[1:]
