"""The contest in containers: which addresses it takes from its environment, and what it says of the rest."""

from collections.abc import Callable

import pytest

from wirerace.errors import BadInput
from wirerace.experiment.paths import NetworkPath
from wirerace.transports import TRANSPORTS
from wirerace.watch.stack import StackContest

WRONG = ["polling:8001", "http://", "http://polling:x", "http://polling:99999", "http://polling/poll", "ftp://polling"]


def test_servers_are_asked_inside_and_named_as_the_browser_reaches_them() -> None:
    contest = StackContest({"WIRERACE_POLLING_PAGE_URL": "http://127.0.0.1:18001/"})
    lanes = contest.lanes

    assert list(TRANSPORTS) == list(lanes)
    assert ("http://polling:8001", "http://127.0.0.1:18001/poll") == (
        lanes["polling"].server.peer.url, lanes["polling"].url
    )  # fmt: skip
    assert "http://127.0.0.1:8004/sse" == lanes["sse"].url
    assert "http://producer:8000" == contest.producer.peer.url


def test_page_listens_to_one_channel_where_there_are_several() -> None:
    urls = {lane.url.partition("?")[2] for lane in StackContest({"WIRERACE_CHANNELS": "3"}).lanes.values()}

    assert {"channel=1"} == urls


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", ["POLLING_HOST", "SSE_PAGE_URL", "PRODUCER_URL", "LOCUST_PAGE_URL"])
def test_address_that_is_none_is_refused_by_its_variable(name: str, wrong: str) -> None:
    with pytest.raises(BadInput, match=rf"^WIRERACE_{name} must be http://HOST:PORT, got '{wrong}'"):
        StackContest({f"WIRERACE_{name}": wrong})


REFUSED: dict[str, Callable[[StackContest], object]] = {
    "a delay is not possible": lambda contest: contest.set_path(NetworkPath(0.1)),
    "a cut is not possible": lambda contest: contest.cut(None),
    "a stall is not possible": lambda contest: contest.stall("sse", 1.0),
    "transport must be one of polling": lambda contest: contest.stall("pigeon", 1.0),
    "start a crowd on Locust's page, http://127.0.0.1:8089": lambda contest: contest.set_crowd(5),
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_containers_cannot_do_is_refused(line: str) -> None:
    with pytest.raises(BadInput, match=f"^{line}"):
        REFUSED[line](StackContest({}))


def test_producer_that_does_not_answer_makes_nothing() -> None:
    assert StackContest({"WIRERACE_PRODUCER_URL": "http://127.0.0.1:9"}).read_schedule() is None
