"""Migration: results of older schemas, as this version writes them.

Schema 2 had labels as keys of the summary's figures. Schemas 2 and 3 had a transport and a variant in place of a
contestant, one setting in place of points, and a link in place of a proxy.

Raw records have no schema of their own. Older ones have the spread of each update as an object, under its number.
"""

from typing import Any

import msgspec

from wirerace.decoding import convert, decode_json
from wirerace.errors import BadInput
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.result import SCHEMA, Result
from wirerace.transports import TRANSPORTS

OLDER = (2, 3)


class _Keys(msgspec.Struct):
    """The names in an older trial, or failure."""

    transport: str
    repeat: int
    variant: str = ""

    @property
    def id(self) -> str:
        return f"{self.transport}-{self.variant}" if self.variant else self.transport

    @property
    def title(self) -> str:
        title = TRANSPORTS[self.transport].title if self.transport in TRANSPORTS else self.transport
        return f"{title} ({self.variant})" if self.variant else title


class _Plan(msgspec.Struct):
    """The contestants in an older experiment."""

    transports: list[str] = []
    variants: dict[str, Any] = {}


class _Account(msgspec.Struct):
    """The spreads of an account: columns by name, or objects by the number of their update."""

    updates: dict[str, dict[str, msgspec.Raw]]

    @property
    def is_older(self) -> bool:
        return any("seq" not in spreads for spreads in self.updates.values())


class _Tabs(msgspec.Struct):
    """What browser tabs received."""

    account: _Account


class _RawRecord(msgspec.Struct):
    """The parts of a raw record that may differ."""

    account: _Account
    browsers: _Tabs | None = None


class _Older(msgspec.Struct):
    """The parts of an older result that differ."""

    schema: int
    experiment: _Plan
    trials: list[_Keys] = []
    discarded: list[int] = []
    failures: list[_Keys] = []


def migrated(encoded: bytes) -> Result:
    """Return an older result as one of this version.

    The summary of schema 2 is left out: reports compute summaries from the trials.

    Raises BadInput when it does not follow its schema.
    """
    older = decode_json(encoded, _Older)
    document = decode_json(encoded, dict[str, Any])
    summary = document.pop("summary", None)
    document["schema"] = SCHEMA
    document["contestants"] = _contestants(older)
    document["points"] = [{"summary": summary if older.schema == 3 else None}]
    document["discarded"] = [{"point": 0, "repeat": repeat} for repeat in older.discarded]
    for name in ("trials", "failures"):
        for keys, one in zip(getattr(older, name), document.get(name, []), strict=True):
            one["contestant"] = keys.id
    for trial in document.get("trials", []):
        trial["proxy"] = trial.pop("link", None)
        parts = trial.get("parts")
        if isinstance(parts, dict) and "link" in parts:
            parts["proxy"] = parts.pop("link")
    return convert(document, Result)


def _contestants(older: _Older) -> list[dict[str, str]]:
    """Return what was compared, in the order in which the experiment names it."""
    found = {keys.id: keys for keys in [*older.trials, *older.failures]}
    transports = [*older.experiment.transports, *(keys.transport for keys in found.values())]
    variants = ["", *older.experiment.variants, *(keys.variant for keys in found.values())]
    ordered = sorted(found.values(), key=lambda keys: (transports.index(keys.transport), variants.index(keys.variant)))
    return [{"id": keys.id, "title": keys.title, "transport": keys.transport} for keys in ordered]


def with_columns(encoded: bytes) -> bytes:
    """Return a raw record with its spreads in columns, as this version writes them, also if they are objects.

    What is no raw record is returned as it is. Raises BadInput when a spread does not follow its schema.
    """
    try:
        record = decode_json(encoded, _RawRecord)
    except BadInput:  # decoding it says what is wrong
        return encoded
    tabs = record.browsers
    if not record.account.is_older and (tabs is None or not tabs.account.is_older):
        return encoded
    document = decode_json(encoded, dict[str, Any])
    holders = {"": document} | ({"browsers.": document["browsers"]} if tabs else {})
    for at, holder in holders.items():
        updates = holder["account"]["updates"]
        for sequence, spreads in updates.items():
            if "seq" not in spreads:
                updates[sequence] = _columns(spreads, f"{at}account.updates[…]")
    return msgspec.json.encode(document)


def _columns(by_seq: dict[str, Any], at: str) -> SpreadColumns:
    return SpreadColumns.of(decode_json(msgspec.json.encode(by_seq), dict[int, Spread], at))
