"""The cost model as values, and as the JSON that is shipped and that `wirerace advise --fit` writes."""

from typing import Annotated

import msgspec
from msgspec import Meta

from wirerace.decoding import decode_json
from wirerace.errors import BadInput, shown
from wirerace.transports import TRANSPORTS

MODEL_SCHEMA = 1
HEADER_BYTES = 52
"""Of each segment: IPv4 20, TCP 20, time stamp 12, as in wirerace/analysis/costs.py."""
SEGMENT_BYTES = 1448
"""Payload of a full segment on Ethernet. On loopback a segment takes 65,483 bytes."""
LOOPBACK_SEGMENT_BYTES = 65_483

Amount = Annotated[float, Meta(ge=0, le=1e12)]


class Coefficient(msgspec.Struct, frozen=True):
    """One number of the model, with its unit, and what it is the cost of."""

    value: Amount
    unit: str
    about: str


class Residuals(msgspec.Struct, frozen=True):
    """How far the model is from the trials that it was fitted to, as a fraction of what was measured.

    `r_squared` is 1 − Σ(residual²)/Σ((value − mean)²), None when all values are the same.
    """

    trials: int
    median: Annotated[float, Meta(ge=0)]
    largest: Annotated[float, Meta(ge=0)]
    r_squared: float | None


class Span(msgspec.Struct, frozen=True):
    """The least and the most of a quantity among the trials of a sweep."""

    least: float
    most: float

    def has(self, value: float) -> bool:
        """Return whether a value lies within, to the accuracy of a computed number."""
        return self.least * (1 - 1e-9) <= value <= self.most * (1 + 1e-9)


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model comes from: machine, versions, date, and the number of trials that were valid and that were not."""

    wirerace: str
    measured_at: Annotated[list[str], Meta(min_length=1)]
    cpu_model: str | None
    cores: int
    kernel: str
    python: str
    packages: dict[str, str]
    revision: str | None
    trials: int
    invalid_trials: int
    invalid_because: dict[str, int] = {}
    note: str = ""


class CostModel(msgspec.Struct, frozen=True, kw_only=True):
    """All of a model's JSON: coefficients and residuals by transport, and the ranges that were measured."""

    schema: int = MODEL_SCHEMA
    provenance: Provenance
    header_bytes: Annotated[int, Meta(ge=0, le=10_000)] = HEADER_BYTES
    segment_bytes: Annotated[int, Meta(ge=1, le=1_000_000)] = SEGMENT_BYTES
    coefficients: dict[str, dict[str, Coefficient]]
    residuals: dict[str, dict[str, Residuals]]
    measured: dict[str, dict[str, Span]]

    @property
    def transports(self) -> list[str]:
        """The transports that the model knows, in the order in which tables list them."""
        return [name for name in TRANSPORTS if name in self.coefficients]

    def value(self, transport: str, name: str) -> float:
        """Return a coefficient's value."""
        return self.coefficients[transport][name].value


def decode_model(encoded: bytes, place: str) -> CostModel:
    """Return a model from its JSON. Raises BadInput, which names the place, when it is none that can be used."""
    try:
        _check_schema(decode_json(encoded, _ModelSchema).schema)
        model = decode_json(encoded, CostModel)
        _check(model)
    except BadInput as error:
        raise BadInput(f"{place}: no cost model of Wirerace: {error}") from None
    return model


class _ModelSchema(msgspec.Struct):
    schema: int


def _check_schema(schema: int) -> None:
    if schema != MODEL_SCHEMA:
        raise BadInput(f"schema {shown(schema)}; this version reads {MODEL_SCHEMA}: fit it again with --fit")


def _check(model: CostModel) -> None:
    """Check that every transport has all of its coefficients."""
    from wirerace.analysis.cost_model.terms import coefficients_of  # noqa: PLC0415 -- terms need the values above

    if not model.transports:
        raise BadInput("coefficients: there is no transport")
    for transport in model.coefficients:
        if transport not in TRANSPORTS:
            raise BadInput(f"coefficients: there is no transport {shown(transport)}")
        if missing := sorted(coefficients_of(transport) - model.coefficients[transport].keys()):
            raise BadInput(f"coefficients.{transport}.{missing[0]} is missing")
        for part in (model.residuals, model.measured):
            if transport not in part:
                raise BadInput(f"residuals and measured ranges of {transport} are missing")
