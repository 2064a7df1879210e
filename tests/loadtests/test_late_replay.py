"""Possible delays against their definition: a client is replayed twice, and reads at once the second time."""

import random
from bisect import bisect_right
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.asking import AskingUser
from loadtests.connection import Stamp
from tests.loadtests.swarm import ALWAYS
from wirerace.clock import to_ns
from wirerace.observe.accounting import Account
from wirerace.wire.update import Update

UPDATES = 5_000
ASKING_NS = 100_000  # from the reading of an answer to the leaving of the next request


def made(per_second: float) -> list[int]:
    """Return the making times of a Poisson process."""
    at_ns, times, draw = 0, [], random.Random(1)
    for _ in range(UPDATES):
        at_ns += to_ns(draw.expovariate(per_second))
        times.append(at_ns)
    return times


def replayed(times: list[int], path_ns: int, sending_ns: int, lag_ns: int) -> tuple[int, int]:
    """Return the sum of all latencies, and of the possible delays, of a client that reads up to `lag_ns` late.

    The server answers a request that finds updates at once. One that it holds is answered up to `sending_ns` later.
    """
    account, draw = Account(ALWAYS), random.Random(2)
    user: Any = SimpleNamespace(client=SimpleNamespace(sent_ns=0), account=account)
    index = late_ns = latencies_ns = 0
    while index < len(times):
        asked_ns = user.client.sent_ns + path_ns
        is_held = times[index] > asked_ns
        ready_ns = times[index] if is_held else asked_ns
        known = bisect_right(times, ready_ns)
        updates = [Update("e", seq, times[seq], "") for seq in range(index, known)]
        arrival_ns = ready_ns + path_ns + (draw.randrange(sending_ns + 1) if is_held else 0)
        stamp = Stamp(arrival_ns, arrival_ns + draw.randrange(lag_ns + 1), True)
        AskingUser.note_late(user, (updates, stamp), late_ns)
        latencies_ns += sum(arrival_ns - update.ts for update in updates)
        index, late_ns = known, stamp.read_ns - arrival_ns
        user.client.sent_ns = stamp.read_ns + ASKING_NS
    return latencies_ns, account.asking_late.sum_ns


@pytest.mark.parametrize(
    ("per_second", "path_seconds", "sending_seconds", "lag_seconds", "most"),
    [
        (5, 0.00005, 0, 0.3, 1.01),  # a server that answers at once: late reading costs what the figure says
        (5, 0.00005, 0, 0.02, 1.01),
        (5, 0.05, 0, 0.3, 1.1),  # a path
        (5, 0.05, 0, 0.1, 1.2),
        (20, 0.05, 0, 0.1, 1.6),  # each request finds updates
        (5, 0.00005, 0.1, 0.3, 2.0),  # a long burst to many clients
    ],
)
def test_possible_delays_are_never_less_than_what_late_reading_costs(
    per_second: float, path_seconds: float, sending_seconds: float, lag_seconds: float, most: float
) -> None:
    times, path_ns, sending_ns = made(per_second), to_ns(path_seconds), to_ns(sending_seconds)
    late_ns, possible_ns = replayed(times, path_ns, sending_ns, to_ns(lag_seconds))
    prompt_ns, nothing_ns = replayed(times, path_ns, sending_ns, 0)

    assert 0 == nothing_ns
    assert 0.99 <= possible_ns / (late_ns - prompt_ns) <= most
