"""Options of a program from a typed struct: each field is a flag and an environment variable, checked by its type."""

import argparse
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from wirerace.annotations import description_of, extra_of, plain_type_of
from wirerace.decoding import Key, Misfit, convert, decode_json
from wirerace.errors import BadInput, shown

ENV_PREFIX = "WIRERACE_"

Options = TypeVar("Options", bound=msgspec.Struct)


def flag_of(field: str) -> str:
    """Return the flag of a field: `hold_seconds` is `--hold-seconds`."""
    return "--" + field.replace("_", "-")


def variable_of(field: str) -> str:
    """Return the environment variable of a field: `hold_seconds` is `WIRERACE_HOLD_SECONDS`."""
    return ENV_PREFIX + field.upper()


def add_flags(parser: argparse.ArgumentParser, options: type[msgspec.Struct]) -> None:
    """Add one flag for each field to `parser`. Its help has the description, default and environment variable."""
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
    """Return the options from the flags, else from the environment, else the defaults.

    Raises BadInput, naming the flag or variable, when a value does not fit its type.
    """
    given: dict[str, Any] = {}
    source: dict[Key, str] = {}
    for field in msgspec.structs.fields(options):
        for name, value in (
            (flag_of(field.name), flags.get(field.name)),
            (variable_of(field.name), environment.get(variable_of(field.name))),
        ):
            if value is not None and field.name not in given:
                given[field.name] = value
                source[field.name] = name
    try:
        return convert(given, options, "options", strict=False)
    except Misfit as misfit:
        name = source.get(misfit.keys[0], "options") if misfit.keys else "options"
        raise BadInput(name + misfit.wrong) from None


def with_order(options: Options, order: str | None) -> Options:
    """Return options with those that an experiment sets, as one JSON object.

    Raises BadInput, naming the key, when one does not fit.
    """
    if order is None:
        return options
    given = decode_json(order.encode(errors="surrogatepass"), dict[str, Any], "--contestant")
    if unknown := given.keys() - set(options.__struct_fields__):
        raise BadInput(f"--contestant: {shown(min(unknown))} is none of {', '.join(options.__struct_fields__)}")
    return convert(msgspec.structs.asdict(options) | given, type(options), "--contestant")


def fields_at(options: type[msgspec.Struct], place: str) -> list[msgspec.structs.FieldInfo]:
    """Return the fields whose mark `at` names a place, or both. Fields without a mark belong to the client."""
    places = {place, "both"}
    return [field for field in msgspec.structs.fields(options) if (extra_of(field.type, "at") or "client") in places]


def _placeholder(annotation: object) -> str:
    names: dict[object, str] = {str: "TEXT", int: "N", float: "X", bool: "true|false"}
    plain = plain_type_of(annotation)
    parts = [part for part in getattr(plain, "__args__", (plain,)) if part is not type(None)]
    return "|".join(names.get(part, str(part)) for part in parts)


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
