"""TOML: values as people write them on one line."""

import json
from typing import Any


def inline(value: Any) -> str:
    """Return a value as TOML on one line: tables as { key = value }, text in quotes."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.12g}" if value % 1 else f"{value:.1f}"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{ " + ", ".join(f"{key} = {inline(inner)}" for key, inner in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(inline, value)) + "]"
        case _:
            return str(value)
