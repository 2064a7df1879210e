from hypothesis import given
from hypothesis import strategies as st

from wirerace.observe.seen import Arrival, Seen


class SeenModel:
    """Every number seen, kept."""

    def __init__(self, highest: int) -> None:
        self.numbers = set(range(highest + 1))

    def add(self, seq: int) -> Arrival:
        highest = max(self.numbers)
        if seq in self.numbers:
            return Arrival.DUPLICATE
        self.numbers.add(seq)
        return Arrival.NEW if seq > highest else Arrival.REORDERED


arrivals = st.lists(st.integers(1, 30), max_size=60)


@given(st.integers(0, 10), arrivals)
def test_each_arrival_means_what_a_set_of_all_numbers_says(highest: int, seqs: list[int]) -> None:
    seen, model = Seen(highest), SeenModel(highest)

    assert [model.add(seq) for seq in seqs] == [seen.add(seq) for seq in seqs]


@given(st.integers(0, 10), arrivals)
def test_gaps_are_exactly_the_numbers_that_never_came(highest: int, seqs: list[int]) -> None:
    seen, model = Seen(highest), SeenModel(highest)
    for seq in seqs:
        seen.add(seq)
        model.add(seq)

    missing = sorted(set(range(seen.highest + 1)) - model.numbers)
    assert len(missing) == seen.missing
    assert missing == [seq for low, high in seen._gaps for seq in range(low, high + 1)]


@given(st.permutations(range(1, 20)))
def test_memory_is_free_again_once_every_gap_has_closed(seqs: list[int]) -> None:
    seen = Seen(0)
    for seq in seqs:
        seen.add(seq)

    assert (19, []) == (seen.highest, seen._gaps)


def test_one_gap_takes_the_same_memory_however_wide_it_is() -> None:
    seen = Seen(0)
    seen.add(10**15)

    assert [(1, 10**15 - 1)] == seen._gaps


def test_what_lies_at_or_below_the_first_cursor_is_a_duplicate() -> None:
    seen = Seen(5)

    assert [Arrival.DUPLICATE, Arrival.DUPLICATE, Arrival.NEW] == [seen.add(seq) for seq in (5, 1, 6)]


@given(st.integers(0, 10), arrivals)
def test_number_is_in_it_if_it_has_been_seen(highest: int, seqs: list[int]) -> None:
    seen, model = Seen(highest), SeenModel(highest)
    for seq in seqs:
        seen.add(seq)
        model.add(seq)

    assert [seq in model.numbers for seq in range(40)] == [seq in seen for seq in range(40)]
    assert len(seen._gaps) == seen.gaps
