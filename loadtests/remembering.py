"""Remembering: what was read last is not read again. With fan-out all clients receive the same."""

from collections.abc import Callable
from typing import Generic, TypeVar

Data = TypeVar("Data")
Value = TypeVar("Value")


class Remembering(Generic[Data, Value]):
    """Reads data with `decode`, except when they are equal to those before. Values must not be changed."""

    __slots__ = ("_data", "_decode", "_value")

    def __init__(self, decode: Callable[[Data], Value]) -> None:
        self._decode = decode
        self._data: Data | None = None
        self._value: Value

    def __call__(self, data: Data) -> Value:
        """Return the value; raises what `decode` raises."""
        if data != self._data:
            self._value = self._decode(data)  # first: if it raises, the old pair stays
            self._data = data
        return self._value
