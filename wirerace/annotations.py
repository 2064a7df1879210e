"""What the annotations of a struct's fields say: types without their marks, descriptions, extras."""

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec


def plain_type_of(annotation: object) -> Any:
    """Return a field's type without its annotations."""
    return getattr(annotation, "__origin__", annotation) if hasattr(annotation, "__metadata__") else annotation


def struct_in(annotation: object) -> type[msgspec.Struct] | None:
    """Return the struct in a field's type: the type itself, or a member of its union; None without one."""
    kinds = (plain_type_of(kind) for kind in kinds_of(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)), None)


def kinds_of(annotation: object) -> tuple[Any, ...]:
    """Return the members of a union, or a type that is no union by itself."""
    plain = plain_type_of(annotation)
    return get_args(plain) if get_origin(plain) in {Union, types.UnionType} else (plain,)


def choices_of(annotation: object) -> list[str]:
    """Return the words and whole numbers that a value may be; none when it is not limited to some."""
    kinds = (plain_type_of(kind) for kind in kinds_of(annotation))
    found = (one for kind in kinds if get_origin(kind) is Literal for one in get_args(kind))
    return [str(one) for one in found if isinstance(one, str | int)]


def type_inside(annotation: object, key: str | int | None) -> Any:
    """Return the type of a value's member under a key: a field, an index, or None for a key of a dict.

    The result is None when the type does not say.
    """
    for kind in map(plain_type_of, kinds_of(annotation)):
        inside = get_args(kind)
        if isinstance(key, str) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return next((field.type for field in msgspec.structs.fields(kind) if field.name == key), None)
        if key is None and get_origin(kind) is dict:
            return inside[1]
        if isinstance(key, int) and get_origin(kind) is tuple and Ellipsis not in inside:
            return inside[key] if key < len(inside) else None
        if isinstance(key, int) and get_origin(kind) in {list, tuple}:
            return inside[0]
        if isinstance(key, int) and hasattr(kind, "_fields") and key < len(kind._fields):  # a NamedTuple
            return get_type_hints(kind, include_extras=True)[kind._fields[key]]
    return None


def description_of(annotation: object) -> str:
    """Return the description in a field's annotation."""
    return next((meta.description for meta in metas_of(annotation) if meta.description), "")


def metas_of(annotation: object) -> Iterator[msgspec.Meta]:
    """Yield the annotations of a type, and then those of its union's members."""
    yield from (part for part in getattr(annotation, "__metadata__", ()) if isinstance(part, msgspec.Meta))
    for kind in kinds_of(annotation):
        if kind is not plain_type_of(annotation):
            yield from metas_of(kind)


def extra_of(annotation: object, key: str) -> str:
    """Return the extra value under a key of a field's annotation; empty without one."""
    return next((str(meta.extra[key]) for meta in metas_of(annotation) if meta.extra and key in meta.extra), "")
