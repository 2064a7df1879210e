import pytest

from wirerace.analysis.student import probability_within, t_within

# Of the tables that every textbook has.
TABLE = [(1, 0.95, 12.706), (2, 0.95, 4.303), (3, 0.95, 3.182), (4, 0.95, 2.776), (5, 0.99, 4.032), (9, 0.95, 2.262),
         (10, 0.99, 3.169), (30, 0.95, 2.042), (120, 0.99, 2.617)]  # fmt: skip


@pytest.mark.parametrize(("freedom", "probability", "t"), TABLE)
def test_t_is_that_of_the_tables(freedom: int, probability: float, t: float) -> None:
    assert pytest.approx(t, abs=6e-4) == t_within(probability, freedom)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 30])
def test_probability_and_t_are_inverse(freedom: int) -> None:
    for probability in (0.0, 0.1, 0.5, 0.95, 0.999):
        assert pytest.approx(probability, abs=1e-9) == probability_within(t_within(probability, freedom), freedom)
