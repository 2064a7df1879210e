import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wirerace.stories import Story, account_of, stories
from wirerace.account import AccountRecord, ProcessUse, Traffic, merge


@given(st.lists(stories(), max_size=3), st.lists(stories(), max_size=3))
@settings(deadline=None, max_examples=50)
def test_merged_records_equal_the_record_of_one_account_that_had_it_all(one: list[Story], other: list[Story]) -> None:
    together = account_of(*one, *other).to_record()
    merged = merge([account_of(*one).to_record(), account_of(*other).to_record()])

    assert pytest.approx(together.age_area) == merged.age_area
    # The most clients at one time is a sum of peaks, each at its own time.
    same = {"age_area": 0.0, "most_clients": 0}
    assert msgspec.structs.replace(together, **same) == msgspec.structs.replace(merged, **same)


def test_merged_records_add_up_requests_responses_and_connections() -> None:
    def busy(times: int) -> AccountRecord:
        account = account_of()
        for _ in range(times):
            account.request(100)
            account.response("empty", 100, 5)
            account.repoll(100, 90)
            account.read(100, 107, by_kernel=True)
            account.late_poll(100)
            account.connecting.record(1_000)
            account.stages["answered"].record(2_000)
            account.totals.connects += 1
            account.totals.failed_connects += 1
        account.totals.traffic = (Traffic(times), Traffic(*[3 * times] * 7))
        account.totals.processes = [ProcessUse(1.0, 2.0, None, 0.5)] * times
        return account.to_record()

    assert busy(5) == merge([busy(2), busy(3)])


@given(st.lists(stories(), max_size=3))
@settings(deadline=None, max_examples=50)
def test_merging_leaves_the_records_as_they_were(told: list[Story]) -> None:
    records = [account_of(story).to_record() for story in told]
    before = msgspec.json.encode(records)
    merge(records)

    assert before == msgspec.json.encode(records)


@given(st.lists(stories(), max_size=3))
@settings(deadline=None, max_examples=50)
def test_record_survives_json(told: list[Story]) -> None:
    record = account_of(*told).to_record()

    assert record == msgspec.json.decode(msgspec.json.encode(record), type=AccountRecord)
