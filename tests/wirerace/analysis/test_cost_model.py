"""The cost model: least squares, the fit of known coefficients, and refusals."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.wirerace.cost_models import EVERYTHING, KNOWN, MODEL, NOWHERE, observed
from tests.wirerace.results import RESULT
from wirerace.analysis.cost_model.fit import fit, model_of, refuse_poor
from wirerace.analysis.cost_model.least_squares import non_negative, proportional
from wirerace.analysis.cost_model.model import decode_model
from wirerace.analysis.cost_model.terms import coefficients_of
from wirerace.errors import BadInput
from wirerace.transports import TRANSPORTS

amounts = st.floats(0.01, 100)


@pytest.mark.long
@given(values=st.lists(amounts, min_size=3, max_size=3), seed=st.integers(0, 1000))
def test_least_squares_recover_what_the_values_were_made_of(values: list[float], seed: int) -> None:
    random_numbers = random.Random(seed)
    rows = [[random_numbers.uniform(0.1, 10) for _ in values] for _ in range(9)]
    measured = [sum(cell * value for cell, value in zip(row, values, strict=True)) for row in rows]

    assert pytest.approx(values, rel=1e-4) == non_negative(rows, measured).values


def test_no_parameter_is_negative_even_where_that_would_fit_better() -> None:
    rows = [[1.0, x] for x in (1.0, 2.0, 3.0)]
    found = non_negative(rows, [3.0, 2.0, 1.0])

    assert min(found.values) >= 0
    assert found.values[1] == 0


def test_of_two_columns_that_say_the_same_one_is_used() -> None:
    assert [2.0, 0.0] == pytest.approx(non_negative([[1.0, 2.0], [2.0, 4.0]], [2.0, 4.0]).values)


def test_small_values_count_as_much_as_large_ones() -> None:
    found = non_negative([[1.0], [1000.0]], [1.1, 900.0]).values

    assert 0.9 < found[0] < 1.1


def test_noise_in_proportion_to_a_cost_makes_no_prediction_too_low() -> None:
    """A poll costs 40 or 100 in turns: 70 on average. Divided by what was measured it would be 48."""
    rows = [[float(polls)] for polls in range(1, 41)]
    measured = [5.0 + polls * (40 if polls % 2 else 100) for (polls,) in rows]

    found = proportional(rows, measured, [5.0] * len(rows)).values

    assert found == pytest.approx([70.0], rel=0.03)
    assert non_negative(rows, measured).values[0] < 55


@pytest.mark.long
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_fit_recovers_the_coefficients_of_exact_trials(transport: str) -> None:
    model = model_of(EVERYTHING, NOWHERE)
    found = {name: one.value for name, one in model.coefficients[transport].items()}

    assert coefficients_of(transport) <= found.keys()
    known = KNOWN[transport]
    for name, value in known.items():
        if name != "cooling" or known["cold"]:
            assert pytest.approx(value, rel=0.02, abs=1e-12) == found[name], name
    for of_quantity in model.residuals[transport].values():
        assert of_quantity.largest < 0.01


@pytest.mark.long
def test_fit_is_as_good_as_its_trials() -> None:
    random_numbers = random.Random(1)
    noisy = [one._replace(cpu=one.cpu * random_numbers.uniform(0.9, 1.1)) for one in EVERYTHING]
    model = model_of(noisy, NOWHERE)

    for transport in TRANSPORTS:
        found = model.residuals[transport]["cpu"]
        assert 0.01 < found.median < 0.1
        assert found.largest < 0.3


@pytest.mark.long
def test_every_coefficient_has_a_unit_and_says_what_it_is() -> None:
    model = model_of(EVERYTHING, NOWHERE)

    for of_transport in model.coefficients.values():
        for name, one in of_transport.items():
            assert one.unit, name
            assert one.about, name


@pytest.mark.long
def test_model_that_does_not_fit_is_refused_and_says_by_how_much() -> None:
    turns = (0.3, 3.0, 1.0)
    wild = [one._replace(cpu=one.cpu * turns[index % 3]) for index, one in enumerate(EVERYTHING)]

    with pytest.raises(BadInput, match=r"CPU time with Polling is off by \d\d+ % or more in half .* 20 % is the most"):
        refuse_poor(model_of(wild, NOWHERE))


@pytest.mark.long
def test_model_that_fits_is_not_refused() -> None:
    refuse_poor(model_of(EVERYTHING, NOWHERE))


def test_transport_with_too_few_settings_is_refused() -> None:
    few = list(observed("sse"))[:3]

    with pytest.raises(BadInput, match=r"SSE: trials at 3 settings are too few .* which takes 4; sweep clients.count"):
        model_of(few, NOWHERE)


@pytest.mark.long
def test_trials_without_memory_are_refused() -> None:
    small = [one._replace(user_bytes=None) for one in observed("sse")]

    with pytest.raises(BadInput, match=r"sweep clients.count to 200 or more"):
        model_of(small, NOWHERE)


def test_transports_that_were_not_measured_are_not_in_the_model() -> None:
    assert ["sse"] == model_of(list(observed("sse")), NOWHERE).transports


@pytest.mark.parametrize("results", [[], [RESULT], [replace(RESULT, trials=[])]])
def test_runs_without_a_usable_trial_are_refused(results: list[object]) -> None:
    with pytest.raises(BadInput, match="there is no trial to fit a cost model to; run a sweep such as experiments/"):
        fit(results)  # type: ignore[arg-type]


def test_model_is_read_as_it_was_written() -> None:
    assert MODEL == decode_model(msgspec.json.encode(MODEL), "model.json")


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (
            {"schema": 9},
            "model.json: no cost model of Wirerace: schema 9; this version reads 1: fit it again with --fit",
        ),
        ({"coefficients": {}}, "coefficients: there is no transport"),
        ({"coefficients": {"pigeon": {}}}, "coefficients: there is no transport"),
        ({"coefficients": {"sse": {}}}, r"coefficients.sse.base_memory is missing"),
        ({"residuals": {}}, "residuals and measured ranges of polling are missing"),
        ({"measured": {"sse": {"clients": {"least": "few", "most": 1}}}}, "measured[…][…].least must be a number"),
    ],
)
def test_edited_model_is_refused(damage: dict[str, object], line: str) -> None:
    document = {**msgspec.to_builtins(MODEL), **damage}

    with pytest.raises(BadInput) as refusal:
        decode_model(msgspec.json.encode(document), "model.json")
    assert line in str(refusal.value)


def test_negative_coefficient_is_refused() -> None:
    document = msgspec.to_builtins(MODEL)
    document["coefficients"]["sse"]["send"]["value"] = -1.0

    with pytest.raises(BadInput, match="at least 0"):
        decode_model(msgspec.json.encode(document), "model.json")
