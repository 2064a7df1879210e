"""Values from outside, made into typed ones; what does not fit is named by its key, its cure and what was given."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from wirerace.annotations import choices_of, extra_of, struct_in, type_inside
from wirerace.errors import MOST_SHOWN, BadInput, cut, is_text, shown

Value = TypeVar("Value")
Key = str | int | None
"""A field, an index, or None for some key of a dict: msgspec does not tell which."""

MOST_REASON = 200
"""Characters of what msgspec says, in which a value may be."""
_KEY = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_WORDS = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "a table", "null": "nothing", "|": "or", ">=": "at least", ">": "above", "<=": "at most", "<": "below",
    "length": "length",
}  # fmt: skip


class Misfit(BadInput):
    """A value does not fit its type.

    `keys` lead to it from the whole; `wrong` is what is said after its name, so that a caller who knows the value by
    another name (a flag, a variable) can say it of that one.
    """

    def __init__(self, name: str, wrong: str, keys: Sequence[Key] = ()) -> None:
        super().__init__((name + wrong).lstrip(" :"))
        self.wrong = wrong
        self.keys = keys


def decode_json(encoded: bytes, of_type: type[Value], at: str = "") -> Value:
    """Return JSON as a value of a type; `at` is what errors call the whole.

    Raises Misfit.
    """
    try:
        return msgspec.json.decode(encoded, type=of_type)
    except msgspec.ValidationError as error:
        raise _misfit(error, _plain(encoded), of_type, at) from None
    except UnicodeDecodeError:
        raise Misfit(at, ": no JSON: not UTF-8") from None
    except msgspec.DecodeError as error:
        raise Misfit(at, f": no JSON: {_lowered(str(error)).removeprefix('JSON is ')}") from None
    except RecursionError:
        raise Misfit(at, ": nested too deeply") from None


def convert(given: object, of_type: type[Value], at: str = "", *, strict: bool = True) -> Value:
    """Return plain values (of TOML, of a form) as a value of a type; `at` is what errors call the whole.

    Not strict, text may stand for a number or a truth value.

    Raises Misfit.
    """
    try:
        return msgspec.convert(given, of_type, strict=strict)
    except msgspec.ValidationError as error:
        raise _misfit(error, given, of_type, at) from None
    except UnicodeEncodeError:
        keys = _keys_of_no_text(given)
        raise Misfit(spelled(at, keys), " must be UTF-8", keys) from None
    except RecursionError:
        raise Misfit(at, ": nested too deeply") from None


def _keys_of_no_text(given: object) -> list[Key]:
    """Return the keys that lead to the first text which is none, but bytes of an argument or a variable."""
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
    """Return JSON as plain values, UNSET when it goes wrong behind the first misfit."""
    try:
        return msgspec.json.decode(encoded)
    except (ValueError, RecursionError):
        return msgspec.UNSET


def _misfit(error: msgspec.ValidationError, given: Any, of_type: Any, at: str) -> Misfit:
    """Return msgspec's error, whose text is all that it tells, in our words."""
    reason, keys = _taken_apart(str(error))
    whole = spelled(at, keys)
    quoted = reason.partition("`")[2].rpartition("`")[0]
    annotation = of_type
    for key in keys:
        annotation = type_inside(annotation, key)
        given = _inside(given, key)
    if "unknown field" in reason:
        struct = struct_in(annotation)
        names = ", ".join(struct.__struct_fields__) if struct else ""
        name = quoted if quoted.isidentifier() and len(quoted) <= MOST_SHOWN else shown(quoted)
        place = f"[{whole}]" if whole else "the top level"
        return Misfit(name, f" is no key of {place}; {f'there are {names}' if names else 'it has none'}", keys)
    if "missing required field" in reason:
        return Misfit(quoted, f" is missing; add it {f'to {whole}' if whole else 'at the top level'}", keys)
    wanted = _wanted(annotation, reason)
    if not wanted:
        return Misfit(whole, f": {cut(_lowered(reason), MOST_REASON)}", keys)
    return Misfit(whole, f" must be {wanted}" + ("" if given is msgspec.UNSET else f", got {shown(given)}"), keys)


def _taken_apart(text: str) -> tuple[str, list[Key]]:
    """Return what msgspec says, and the keys that lead to where it says it."""
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
    """Return what lies under a key, UNSET when that is not known."""
    try:
        return msgspec.UNSET if key is None else given[key]
    except (LookupError, TypeError):
        return msgspec.UNSET


def _wanted(annotation: object, reason: str) -> str:
    """Return what a value of this type must be, in words, after msgspec said `reason`; nothing when that tells all."""
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
