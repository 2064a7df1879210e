"""Keys: each counts once, in any order, and what is remembered is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.keys import MessageKeys
from wirerace.errors import BadInput


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 40)), max_size=100))
def test_keys_agree_with_a_set(sent: list[tuple[str, int]]) -> None:
    keys, known = MessageKeys(), set()
    for key in sent:
        assert (key in known) == keys.has(*key)
        assert (key not in known) == keys.add(*key)
        known.add(key)


def gaps_in(known: set[int]) -> int:
    return sum(n not in known and n - 1 in known for n in range(1, max(known)))


@given(st.lists(st.integers(1, 60), max_size=200))
def test_client_never_has_more_gaps_than_the_limit(numbers: list[int]) -> None:
    """Whether they lie above the highest number, or split a gap below it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.keys.MOST_GAPS", 3)
        keys, known = MessageKeys(), {0}
        for n in numbers:
            if gaps_in(known | {n}) > 3:
                with pytest.raises(BadInput, match="n must count up by 1, and 3 gaps are below"):
                    keys.has("a", n)
                continue
            assert (n in known) == keys.has("a", n)
            keys.add("a", n)
            known.add(n)
            assert gaps_in(known) == keys._gaps


def test_client_that_has_sent_nothing_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.keys.MOST_CLIENTS", 2)
    keys = MessageKeys()
    for client, n in (("a", 1), ("b", 1), ("a", 2), ("c", 1)):
        keys.add(client, n)
    assert [True, False, True] == [keys.has(client, 1) for client in "abc"]


def test_gaps_of_all_clients_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.keys.MOST_GAPS_TOGETHER", 5)
    keys = MessageKeys()
    for client in "abc":
        for n in (2, 4):
            keys.add(client, n)
    assert [False, True, True] == [keys.has(client, 2) for client in "abc"]
    assert 4 == keys._gaps
    for n in range(6, 40, 2):
        keys.add("d", n)
    assert keys.has("d", 38), "the last client is kept, however many gaps it has"
    assert ["d"] == list(keys._seen)
