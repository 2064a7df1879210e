"""Settings in words."""

import pytest

from tests.wirerace.report.made_up import result_of
from wirerace.record.result import Point
from wirerace.report.settings import at_point, counted, from_to, point_words, repeats_words


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("producer.rate_per_second", 20.0, "20 updates a second"),
        ("producer.rate_per_second", 1, "1 update a second"),
        ("producer.rate_per_second", 0.05, "0.05 updates a second"),
        ("producer.rate_per_second", 12345.5, "12,345.5 updates a second"),
        ("producer.payload_bytes", 1_000_000, "1,000,000 bytes"),
        ("producer.payload_bytes", {"min": 1, "max": 9}, "producer.payload_bytes = {min = 1, max = 9}"),
        ("clients.count", 1000, "1,000 clients"),
        ("clients.count", True, "clients.count = true"),
        ("polling.keep_alive", False, "polling.keep_alive = false"),
        ("producer.arrivals", "a\x1b[2J", r"producer.arrivals = a\x1b[2J"),
    ],
)
def test_value_of_a_key_is_said_with_its_unit(key: str, value: object, said: str) -> None:
    assert said.replace(" ", "") == counted(key, value).replace(" ", "")


def test_point_has_every_key_and_the_overload_before_it() -> None:
    setting = {"clients.count": 100, "seed": 3}

    assert "100 clients, seed = 3" == point_words(Point(setting))
    assert "100 clients after an overload with 200 clients" == point_words(
        Point({"clients.count": 100}, after={"clients.count": 200})
    )
    assert not point_words(Point())


def test_place_of_a_trial_is_said_only_if_there_are_several() -> None:
    result = result_of()
    result.points = [Point({"clients.count": 100}), Point({"clients.count": 200})]

    assert " at 200 clients" == at_point(result, 1)
    assert not at_point(result, 2), "an edited result"
    result.points = result.points[:1]
    assert not at_point(result, 0)


def test_ends_of_a_sweep_have_the_keys_that_differ() -> None:
    assert "100 to 1,000 clients" == from_to({"clients.count": 100, "seed": 1}, {"clients.count": 1000, "seed": 1})
    assert "seed = 1 to 2" == from_to({"seed": 1}, {"seed": 2})
    assert "producer.arrivals = periodic to poisson" == from_to(
        {"producer.arrivals": "periodic"}, {"producer.arrivals": "poisson"}
    )


def test_repeats_are_counted() -> None:
    assert ("repeat 3", "repeats 1 and 2", "repeats 1, 2 and 4") == tuple(map(repeats_words, ([3], [1, 2], [1, 2, 4])))
