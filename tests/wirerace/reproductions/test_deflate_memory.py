from typing import Any

import msgspec
import pytest

from tests.wirerace.reproductions.outcomes import failed, outcome
from wirerace.reproductions.check import Check, Outcome
from wirerace.reproductions.deflate_memory import COMPRESSORS, KIB, Compressor, checks, growth_bytes

PLAIN_KIB = 10.0
GROWTHS_KIB = dict(zip(COMPRESSORS, (22.0, 38.0, 262.0), strict=True))


def taking(kib: float | None) -> Outcome:
    found = outcome("websocket")
    after = None if kib is None else KIB * kib
    changes: dict[str, Any] = {"bytes_per_client_after": after}
    server = msgspec.structs.replace(found.trial.server, **changes)
    return Outcome(msgspec.structs.replace(found.trial, server=server), found.raw)


def outcomes(growths: dict[Compressor, float]) -> dict[str, Outcome]:
    own = {compressor.contestant: taking(PLAIN_KIB + growth) for compressor, growth in growths.items()}
    return {"websocket": taking(PLAIN_KIB), "shared": taking(PLAIN_KIB + 1), **own}


def found(growths: dict[Compressor, float] = GROWTHS_KIB) -> list[Check]:
    return checks(outcomes(growths))


def test_growth_by_the_formula_is_what_was_published() -> None:
    assert [] == failed(found())
    assert KIB == growth_bytes(outcomes(GROWTHS_KIB), "shared")


@pytest.mark.parametrize("compressor", COMPRESSORS)
@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_what_does_not_agree_fails(compressor: Compressor, factor: float) -> None:
    wrong = {**GROWTHS_KIB, compressor: factor * GROWTHS_KIB[compressor]}

    assert [f"window {compressor.window_bits}, level {compressor.memory_level}: growth"] == failed(found(wrong))


def test_memory_of_all_that_was_published_is_not_that_of_a_compressor_alone() -> None:
    """With a decompressor it is 50 KiB: a server that kept one would fail."""
    assert 1 == len(failed(found({**GROWTHS_KIB, Compressor(12, 5): 50.0})))


def test_formula_is_that_of_zlib() -> None:
    assert 128 * KIB + 128 * KIB == Compressor(15, 8).buffer_bytes  # zconf.h, the defaults


def test_unknown_memory_has_not_passed() -> None:
    unknown = {name: taking(None) for name in outcomes(GROWTHS_KIB)}

    assert len(COMPRESSORS) == len(failed(checks(unknown)))
