"""A trial of somebody else's server: what is not known stays unknown, is said once, and changes nothing else."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import GOOD, MEASURED, PLAN, STEADY
from tests.wirerace.analysis.records import made, recorded, truth_of
from tests.wirerace.trials import NOTHING_MEASURED, at_ends
from wirerace.analysis.figures import FIGURES
from wirerace.analysis.judge import judged
from wirerace.analysis.measure import figures
from wirerace.analysis.predict import measured_of
from wirerace.analysis.validity.finding import Evidence
from wirerace.analysis.validity.verdict import verdict
from wirerace.experiment.faults import Fault
from wirerace.experiment.plans import Plan
from wirerace.experiment.servers import ForeignServer
from wirerace.observe.account import AccountRecord, Subscription, Window
from wirerace.observe.ledger import NOWHERE
from wirerace.observe.publishing import PublisherReport
from wirerace.record.durations import Times
from wirerace.record.publisher import PublisherQuality
from wirerace.record.result import Raw
from wirerace.record.samples import Measured, ServerSample
from wirerace.record.trial import Trial
from wirerace.transports.polling import TRANSPORT as POLLING
from wirerace.wire.update import Cursor

MS = 1_000_000
URL = "http://127.0.0.1:9000/"
BARE = ForeignServer(url=URL, dialect="bare", publisher="post", publish_url=URL)
THEIRS = PLAN._replace(contestant=replace(PLAN.contestant, server=BARE))
SAMPLE = ServerSample(began_ns=0, ended_ns=0, cpu_seconds=1.0, waited_seconds=0.0)
AFTER = replace(SAMPLE, cpu_seconds=1.5)
REPORT = PublisherReport(
    began_ns=100 * 10**9,
    ended_ns=110 * 10**9,
    cpu_seconds=0.5,
    sent_ns=[1 * MS, 2 * MS],
    answered_ns=[3 * MS, 5 * MS],
    lost=0,
    retried=0,
    most_waiting=1,
)
QUALITY = PublisherQuality(
    published=99,
    lost=0,
    retried=0,
    most_waiting=1,
    sent_seconds=Times(99, 0.001, 0.001, 0.002, 0.002),
    answered_seconds=Times(99, 0.002, 0.002, 0.003, 0.003),
    cpu_seconds=0.1,
    utilisation=0.01,
    user_bytes=None,
)


def measured(**others: Any) -> Measured:
    given = {"server": (SAMPLE, AFTER), "publisher": REPORT, "resent": MEASURED.resent, **others}
    return at_ends(STEADY.window, replace(NOTHING_MEASURED, **given))


def findings_of(trial: Trial, plan: Plan = THEIRS, **others: Any) -> dict[str, list[str]]:
    raw = replace(STEADY, measured=measured(**others))
    found = verdict(Evidence(plan, raw, trial))
    for finding in found.findings:
        assert finding.weight == "unchecked" or (finding.why and finding.cure), finding
    return {"reasons": found.reasons, "doubts": found.doubts, "unchecked": found.unchecked}


def test_what_a_foreign_server_does_not_count_is_null_and_cpu_is_known() -> None:
    trial = figures(THEIRS, replace(STEADY, measured=measured()))

    assert (None, None, None, None) == tuple(msgspec.structs.astuple(trial.bytes)[:4])
    assert (0.5, None, None) == (trial.server.cpu_seconds, trial.server.read_together, trial.server.upkeep_utilisation)


def test_server_of_which_nothing_is_known_gives_a_whole_trial() -> None:
    nothing = replace(SAMPLE, cpu_seconds=None, waited_seconds=None)
    trial = judged(THEIRS, replace(STEADY, measured=measured(server=(nothing, nothing), publisher=None)))

    assert trial.verdict is not None
    assert (100, 1.0) == (trial.updates, trial.reach)
    assert {None} == {figure.of(trial) for figure in FIGURES if figure.id.startswith("publisher.")}
    missing = [line for line in trial.verdict.unchecked if "a foreign server" in line]
    assert [
        "not measured: a foreign server: its bytes of application and payload, and its upkeep, its CPU time, its memory"
    ] == missing


def test_latency_to_a_foreign_server_is_until_its_publication_had_left() -> None:
    """Its answer may come when all clients have the update already."""
    trial = figures(THEIRS, replace(STEADY, measured=measured()))

    assert 0.0015 == pytest.approx(trial.latency_parts_seconds.feed)
    publisher = trial.publisher
    assert publisher is not None
    assert (2, 0.004, 0.05) == (publisher.published, publisher.answered_seconds.mean, publisher.utilisation)


def test_verdict_says_once_what_is_not_measured() -> None:
    found = findings_of(replace(GOOD, publisher=QUALITY))

    assert ([], []) == (found["reasons"], found["doubts"])
    assert 1 == len([line for line in found["unchecked"] if "foreign" in line])
    assert "throttling of the server" not in found["unchecked"]
    assert "how long the server waited for a core" not in found["unchecked"]


@pytest.mark.parametrize(
    ("quality", "doubt"),
    [
        ({"lost": 1}, "1 of 100 updates were not published: no client could get them; too many waited for an answer"),
        ({"lost": 1, "trouble": "it answers 503"}, "1 of 100 updates were not published: no client could get them; it"),
        ({"sent_seconds": Times(99, 0.1, 0.1, 0.2, 0.2)}, "1 % of updates were published 199 ms after their making"),
        ({"retried": 2, "trouble": "it answers 503"}, "a publication was sent again, 2 times: a server that has taken"),
        ({"utilisation": 0.7}, "the publisher ran for 70 % of the time"),
    ],
)
def test_publisher_that_lost_something_or_was_late_is_a_doubt(quality: dict[str, Any], doubt: str) -> None:
    (found,) = findings_of(replace(GOOD, publisher=replace(QUALITY, **quality)))["doubts"]
    assert found.startswith(doubt)


def test_updates_that_wait_for_a_server_that_is_killed_on_purpose_are_no_doubt() -> None:
    experiment = replace(THEIRS.experiment, faults=[Fault(kind="kill", on="server", at_seconds=1.0)])
    plan = THEIRS._replace(setting=THEIRS.setting._replace(experiment=experiment))
    quality = replace(QUALITY, retried=3, sent_seconds=Times(99, 0.1, 0.1, 0.2, 0.2))

    assert [] == findings_of(replace(GOOD, publisher=quality), plan)["doubts"]


def test_missing_report_of_the_publisher_is_said() -> None:
    found = findings_of(GOOD, publisher=None)
    assert "whether every update was published: the publisher gave no report" in found["unchecked"]


def test_losses_of_a_foreign_server_are_a_result() -> None:
    trial = replace(GOOD, publisher=QUALITY, lost=4_000, delivered=GOOD.expected - 4_000)
    found = findings_of(trial)

    assert ([], 1) == (found["reasons"], len(found["doubts"]))
    assert found["doubts"][0].startswith("20 % of the deliveries that were due did not come")


def test_client_without_a_cursor_is_expected_to_have_what_was_made_after_it_came() -> None:
    truth, window = truth_of(made(9, 11, 12, 13, 14), made(15, 16, epoch="e1")), Window(10 * 10**9, 20 * 10**9)
    late = Subscription(NOWHERE, since_ns=12 * 10**9)
    left = Subscription(NOWHERE, Cursor("e0", 3), 13 * 10**9, since_ns=11 * 10**9)
    empty = Subscription(NOWHERE, NOWHERE, 19 * 10**9, since_ns=12 * 10**9)

    for subscription, expected in ((late, 5), (left, 2), (empty, 5)):
        account = AccountRecord(partly=[subscription], latencies=recorded([]))
        trial = figures(THEIRS, Raw(window, account, truth, NOTHING_MEASURED))
        assert expected == trial.expected, subscription


def test_polls_that_bring_one_update_each_are_not_counted_as_theory_does() -> None:
    asks = THEIRS._replace(contestant=replace(THEIRS.contestant, transport=POLLING))
    counted = replace(GOOD, responses={"data": 9, "empty": 3, "error": 0}, arrived=9, client_seconds=1.0)

    for partial, expected in ((0, (0.25, 1.0, 12.0)), (5, (None, None, None))):
        found = measured_of(asks, replace(counted, partial_responses=partial))
        assert expected == (found.empty_fraction, found.updates_per_response, found.responses_per_client_second)
