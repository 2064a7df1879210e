"""Remembering: what was decoded last is not decoded again. With fan-out all clients receive the same bytes."""

from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Remembering(Generic[Value]):
    """Decodes bytes with `decode`, except when they are equal to those before. Values must not be changed."""

    __slots__ = ("_data", "_decode", "_value")

    def __init__(self, decode: Callable[[bytes], Value]) -> None:
        self._decode = decode
        self._data: bytes | None = None
        self._value: Value

    def __call__(self, data: bytes) -> Value:
        """Return the value; raises what `decode` raises."""
        if data != self._data:
            self._value = self._decode(data)  # first: if it raises, the old pair stays
            self._data = data
        return self._value
