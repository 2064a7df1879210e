import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.workload.shapes import (
    SHAPES,
    STAGES_EXAMPLE,
    RampShape,
    Shape,
    SpikeShape,
    SteadyShape,
    StepsShape,
    StepsStage,
    StormShape,
    check_shape,
    parse_stages,
    spell_stages,
)

STEPS = StepsShape(stages=(StepsStage(5, 2), StepsStage(20, 3)))


@pytest.mark.parametrize(
    ("shape", "clients"),
    [
        (SteadyShape(), {0: 100, 1e6: 100}),
        (STEPS, {0: 5, 1.99: 5, 2: 20, 5: 20, 1e6: 20}),
        (SpikeShape(base_clients=10, at_seconds=3, for_seconds=2), {0: 10, 2.99: 10, 3: 100, 4.99: 100, 5: 10}),
        (RampShape(from_clients=20, for_seconds=8), {0: 20, 4: 60, 8: 100, 9: 100}),
        (StormShape(at_seconds=3), {0: 100, 3: 100, 4: 100}),
    ],
)
def test_shape_says_how_many_clients_there_are_when(shape: Shape, clients: dict[float, int]) -> None:
    assert clients == {seconds: shape.clients_at(seconds, 100) for seconds in clients}


@pytest.mark.parametrize(
    ("shape", "seconds"),
    [
        (SteadyShape(), 0),
        (STEPS, 5),
        (SpikeShape(at_seconds=3, for_seconds=2), 5),
        (RampShape(for_seconds=8), 8),
        (StormShape(at_seconds=3, jitter_seconds=2), 5),
    ],
)
def test_shape_lasts_until_its_last_change_is_over(shape: Shape, seconds: float) -> None:
    assert seconds == shape.lasts_seconds


@given(st.lists(st.builds(StepsStage, st.integers(1, 1000), st.integers(10, 100_000).map(lambda tenths: tenths / 10))))
def test_stages_survive_a_command_line(stages: list[StepsStage]) -> None:
    assert tuple(stages) == parse_stages(spell_stages(stages))


def test_example_of_stages_can_be_used() -> None:
    assert (StepsStage(50, 10.0), StepsStage(100, 10.0), StepsStage(200, 10.0)) == parse_stages(STAGES_EXAMPLE)


@pytest.mark.parametrize(
    "text", ["5", "5:", ":5", "5:5:5", "0:5", "5:0", "5:-1", "x:5", "5:x", "5.5:1", "5:5;6:6", "5:nan"]
)
def test_stages_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_stages(text)

    assert [] == lacking(str(refusal.value), "stages", ["clients:seconds", STAGES_EXAMPLE, repr(text)]), refusal.value


def test_shape_with_no_stages_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^steps .*stages.*clients.*seconds"):
        check_shape("steps", StepsShape(), 100, 100)


@pytest.mark.parametrize("shape", [STEPS, SpikeShape(base_clients=20), RampShape(from_clients=20)])
def test_shape_of_more_clients_than_there_are_is_refused(shape: Shape) -> None:
    name = next(name for name, kind in SHAPES.items() if isinstance(shape, kind))

    check_shape(name, shape, 20, 100)
    with pytest.raises(BadInput, match=rf"^{name} .*\b20 clients.*\b19\b"):
        check_shape(name, shape, 19, 100)


@pytest.mark.parametrize(
    ("shape", "needed"),
    [
        (SteadyShape(), 0),
        (StormShape(), 0),
        (STEPS, 5),
        (SpikeShape(base_clients=10, at_seconds=3, for_seconds=2), 45),
        (RampShape(from_clients=20, for_seconds=8), 10),
    ],
)
def test_shape_that_clients_cannot_follow_is_refused(shape: Shape, needed: float) -> None:
    name = next(name for name, kind in SHAPES.items() if isinstance(shape, kind))

    check_shape(name, shape, 100, max(needed, 0.1))
    if needed:
        with pytest.raises(BadInput, match=rf"^{name} .*\b{needed:g} clients.*\b1 .*rate"):
            check_shape(name, shape, 100, 1)
