"""The stack's broker: servers follow the feed there, also when it has lost what it stored."""

from collections.abc import Iterator

import pytest

from tests.stack.compose import PROJECT, Stack

pytestmark = pytest.mark.stack
AT = "nats://nats:4222"
PARTS = ("nats", "producer", "polling")


@pytest.fixture
def brokered(stack: Stack) -> Iterator[Stack]:  # noqa: ARG001 -- it has built the images
    """A stack of which the broker, the producer and one server are up."""
    brokered = Stack(f"{PROJECT}-nats", BROKER_URL=AT, FEED_URL=AT)
    brokered.compose("--profile", "nats", "up", "--detach", "--wait", *PARTS)
    yield brokered
    brokered.compose("--profile", "nats", "down", "--volumes", "--timeout", "5", check=False)


def test_servers_follow_the_broker_and_outlive_it(brokered: Stack) -> None:
    (before,) = brokered.get("POLLING_PORT", "/poll?last=1")["updates"]
    brokered.compose("--profile", "nats", "up", "--detach", "--wait", "--force-recreate", "--no-deps", "nats")
    brokered.compose("--profile", "nats", "up", "--detach", "--wait", *PARTS)
    updates = brokered.get("POLLING_PORT", f"/poll?after={before['epoch']}-{before['seq']}")["updates"]

    assert list(range(before["seq"] + 1, before["seq"] + 1 + len(updates))) == [one["seq"] for one in updates]
    assert {before["epoch"]} == {one["epoch"] for one in updates}
