"""Options of a program from a typed struct: each field is a flag and an environment variable, checked by its type."""

import argparse
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from wirerace.errors import BadInput

ENV_PREFIX = "WIRERACE_"

Options = TypeVar("Options", bound=msgspec.Struct)


def flag_of(field: str) -> str:
    """Return the flag of a field: `hold_seconds` is `--hold-seconds`."""
    return "--" + field.replace("_", "-")


def variable_of(field: str) -> str:
    """Return the environment variable of a field: `hold_seconds` is `WIRERACE_HOLD_SECONDS`."""
    return ENV_PREFIX + field.upper()


def add_flags(parser: argparse.ArgumentParser, options: type[msgspec.Struct]) -> None:
    """Give `parser` one flag for each field, with its description, default and environment variable in the help."""
    for field in msgspec.structs.fields(options):
        default = "" if field.default in {None, msgspec.NODEFAULT} else f", default {_spelled(field.default)}"
        parser.add_argument(
            flag_of(field.name),
            dest=field.name,
            metavar=_placeholder(field.type),
            default=None,
            help=f"{description_of(field.type)} (${variable_of(field.name)}{default})".replace("%", "%%"),
        )


def read_options(options: type[Options], flags: Mapping[str, str | None], environment: Mapping[str, str]) -> Options:
    """Return the options that flags, then the environment, then defaults give.

    Raises BadInput, naming the flag or variable, when a value does not fit its type.
    """
    given: dict[str, Any] = {}
    source: dict[str, str] = {}
    for field in msgspec.structs.fields(options):
        for name, value in (
            (flag_of(field.name), flags.get(field.name)),
            (variable_of(field.name), environment.get(variable_of(field.name))),
        ):
            if value is not None and field.name not in given:
                given[field.name] = value
                source[f"$.{field.name}"] = name
    try:
        return msgspec.convert(given, options, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        name = source.get(path.rstrip("`"), "options")
        annotation = next((field.type for field in msgspec.structs.fields(options) if path == f"$.{field.name}`"), None)
        raise BadInput(f"{name} must be {wanted(annotation, lowered(reason))}") from None


def lowered(reason: str) -> str:
    """Return a validation error of msgspec as the second half of a sentence."""
    reason = reason.replace("`", "")
    return reason if reason[1:2].isupper() else reason[:1].lower() + reason[1:]


_WORDS = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "a table", ">=": "at least", ">": "above", "<=": "at most", "<": "below", "length": "length",
}  # fmt: skip


def wanted(annotation: object, reason: str) -> str:
    """Return what a value of this type must be, in words, after a validation error of msgspec said `reason`."""
    choices = [choice for choice in getattr(plain_type_of(annotation), "__args__", ()) if isinstance(choice, str)]
    if choices:
        return "one of " + ", ".join(choices)
    expected = reason.removeprefix("expected ").partition(", got ")[0].replace(" | null", "")
    return " ".join(_WORDS.get(word, word) for word in expected.split())


def plain_type_of(annotation: object) -> Any:
    """Return a field's type without what is annotated to it."""
    return getattr(annotation, "__origin__", annotation) if hasattr(annotation, "__metadata__") else annotation


def struct_in(annotation: object) -> type[msgspec.Struct]:
    """Return the struct that a field's type is, or is one kind of."""
    plain = plain_type_of(annotation)
    kinds = (plain_type_of(part) for part in (plain, *getattr(plain, "__args__", ())))
    return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct))


def description_of(annotation: object) -> str:
    """Return what a field's annotation says about it."""
    metas = (part for part in getattr(annotation, "__metadata__", ()) if isinstance(part, msgspec.Meta))
    return next((meta.description for meta in metas if meta.description), "")


def fields_at(options: type[msgspec.Struct], place: str) -> list[msgspec.structs.FieldInfo]:
    """Return the fields that are marked as being `at` a place; those that are not marked are at the client."""
    return [field for field in msgspec.structs.fields(options) if (extra_of(field.type, "at") or "client") == place]


def extra_of(annotation: object, key: str) -> str:
    """Return what else a field's annotation says under a key, nothing when it does not."""
    metas = (part for part in getattr(annotation, "__metadata__", ()) if isinstance(part, msgspec.Meta))
    return next((str(meta.extra[key]) for meta in metas if meta.extra and key in meta.extra), "")


def _placeholder(annotation: object) -> str:
    names: dict[object, str] = {str: "TEXT", int: "N", float: "X", bool: "true|false"}
    plain = plain_type_of(annotation)
    parts = [part for part in getattr(plain, "__args__", (plain,)) if part is not type(None)]
    return "|".join(names.get(part, str(part)) for part in parts)


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
