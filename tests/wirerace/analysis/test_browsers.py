"""Browser tabs beside the clients: a ledger of their own, a difference of medians, and the verdict on them."""

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import CLIENTS, EXPERIMENT, GOOD, STEADY, judged
from tests.wirerace.analysis.records import MS, PLAN, WINDOW, made, received_by, recorded, truth_of
from tests.wirerace.tabbed import TABS as FAULTY_TABS
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.measure import figures
from wirerace.errors import TrialFailed
from wirerace.observe.account import AccountRecord
from wirerace.record.browsers import Browsers, BrowsersRecord, TabClock
from wirerace.record.result import Raw
from wirerace.record.trial import Trial, Verdict

TRUTH = truth_of(made(11, 12, 13))
CLOCKS = [TabClock(-3000, 900, 5), TabClock(2000, 1000, 6)]
TABS = replace(FAULTY_TABS, reach=1.0, lost=0, duplicated=0, reordered=0)


def trial_with(tabs: AccountRecord | None, clients: AccountRecord) -> Trial:
    browsers = None if tabs is None else BrowsersRecord("Chrome/1", replace(tabs, clients=tabs.subscribed), CLOCKS)
    return figures(PLAN, Raw(WINDOW, clients, TRUTH, NOTHING_MEASURED, browsers=browsers))


def verdict_on(tabs: Browsers) -> Verdict:
    return judged(replace(GOOD, browsers=tabs), STEADY, EXPERIMENT)


def test_tabs_have_a_ledger_beside_the_clients_and_change_nothing_of_theirs() -> None:
    clients = received_by(10, 5, 5, 5)
    alone, beside = trial_with(None, clients), trial_with(received_by(2, 8, 9, 10), clients)

    assert alone == replace(beside, browsers=None)
    assert beside.browsers is not None
    assert (2, 6, 6, 0, 1.0) == (
        beside.browsers.tabs,
        beside.browsers.expected,
        beside.browsers.delivered,
        beside.browsers.lost,
        beside.browsers.reach,
    )
    assert 0.004 == pytest.approx(beside.browsers.behind_seconds, rel=0.01), "9 ms less 5 ms"
    assert (-3e-6, 1e-6, 6e-9) == (
        beside.browsers.clock_offset_seconds,
        beside.browsers.clock_accuracy_seconds,
        beside.browsers.clock_resolution_seconds,
    ), "the worst of all tabs"


def test_what_a_tab_lost_is_in_no_figure_of_the_clients_and_the_trial_is_not_whole() -> None:
    tabs = replace(received_by(2, 8, 9), latencies=recorded([8 * MS, 8 * MS, 9 * MS, 9 * MS]))
    found = trial_with(tabs, received_by(10, 5, 5, 5))

    assert found.browsers is not None
    assert (0, 2) == (found.lost, found.browsers.lost)
    assert not found.is_whole
    assert 2 == BY_ID["browsers.lost"].of(found)
    assert 0 == BY_ID["lost"].of(found)


def test_update_of_a_tab_that_was_never_made_fails_the_trial() -> None:
    with pytest.raises(TrialFailed, match="browser tabs hold 4 updates that the producer never made"):
        trial_with(received_by(2, 8, 9, 10, 11, 12), received_by(10, 5, 5, 5))


def test_figures_of_tabs_have_no_value_without_tabs() -> None:
    found = trial_with(None, received_by(CLIENTS, 5, 5, 5))

    assert {None} == {figure.of(found) for name, figure in BY_ID.items() if name.startswith("browsers.")}


def test_costs_that_include_those_of_tabs_are_in_doubt() -> None:
    (doubt,) = verdict_on(TABS).findings

    assert "doubt" == doubt.weight
    assert "the server served 2 browser tabs, too" == doubt.what
    assert "clients.browsers = 0" in doubt.cure


@pytest.mark.parametrize(
    ("tabs", "what"),
    [
        (replace(TABS, lost=3), "3 deliveries to browser tabs were lost"),
        (replace(TABS, duplicated=1), "1 deliveries to browser tabs were duplicated"),
        (replace(TABS, reordered=2), "2 deliveries to browser tabs were reordered"),
        (replace(TABS, clock_accuracy_seconds=0.004), "the clocks of browser tabs are known to 4 ms only"),
    ],
)
def test_tabs_that_went_wrong_are_a_doubt(tabs: Browsers, what: str) -> None:
    found = verdict_on(tabs)

    assert found.valid
    assert what in [finding.what for finding in found.findings]
