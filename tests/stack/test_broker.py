"""The stack's broker: servers follow the feed there, also when it has lost what it stored."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.race.running import wait_until
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


def newest(stack: Stack) -> dict[str, Any]:
    """Return the newest update that the server has."""
    (update,) = stack.get("POLLING_PORT", "/poll?last=1")["updates"]
    found: dict[str, Any] = update
    return found


def test_servers_follow_the_broker_and_outlive_it(brokered: Stack) -> None:
    before = newest(brokered)
    brokered.compose("--profile", "nats", "up", "--detach", "--wait", "--force-recreate", "--no-deps", "nats")
    wait_until(lambda: newest(brokered)["seq"] > before["seq"] + 20)
    updates = brokered.get("POLLING_PORT", f"/poll?after={before['epoch']}-{before['seq']}")["updates"]

    assert list(range(before["seq"] + 1, before["seq"] + 1 + len(updates))) == [one["seq"] for one in updates]
    assert {before["epoch"]} == {one["epoch"] for one in updates}
