"""Carrying: what a link adds to updates that are pushed, for each kind of arrivals. docs/theory.md derives it."""

import math
from collections.abc import Iterator
from itertools import pairwise

from wirerace.clock import NS_PER_SECOND
from wirerace.streams import stream
from wirerace.theory.closed_forms import Arrivals, Periodic, Poisson
from wirerace.theory.distribution import Piece, pieces_of
from wirerace.theory.link import AT_ONCE, Carried, LinkModel
from wirerace.theory.mixture import Mixture, weighted
from wirerace.theory.recorded import Recorded

MOST_REPLAYS = 64
FEW = 0.1
STEPS = 400
"""Of the integral over a jitter."""


def carried(arrivals: Arrivals, link: LinkModel, delay_seconds: float = 0.0) -> Carried | None:
    """Return what a link adds to updates that are pushed; None when they cannot pass, or when it is not known.

    `delay_seconds` is the rest of their delay, which only decides which of them come in a window.
    """
    if link.is_plain:
        return AT_ONCE
    is_known = link.update_bytes or not (link.bits_per_second or link.held_bytes)
    if not is_known or arrivals.rate_per_second * link.update_seconds >= 1:
        return None
    found: Carried | None = None
    match arrivals:
        case Poisson():
            found = _carried_poisson(arrivals, link)
        case Periodic():
            found = _carried_periodic(arrivals, link)
        case Recorded():
            found = _replayed(arrivals, link, delay_seconds)
        case Mixture():
            found = _mixed(arrivals, link, delay_seconds)
    return found


def _carried_poisson(arrivals: Poisson, link: LinkModel) -> Carried:
    """Return M/D/1, and the jitter with its order kept; with a buffer, full ones are assumed not to queue."""
    rate = arrivals.rate_per_second
    jitter, sending = link.jitter_seconds, link.update_seconds
    if link.held_seconds:
        return _together(link.held_seconds, rate, sending + jitter / 2)
    if link.held_bytes:
        wait = link.later_updates / rate + _of_full_buffer(link) + jitter / 2
        return Carried(wait, wait)  # what comes after an update does not depend on the gap before it
    load = rate * sending
    queued = load * sending / 2 / (1 - load)
    behind = jitter / 2 + rate**2 * jitter**3 / 120
    if sending:
        behind += sending * (0.5 / (1 - load) + 0.5 + (1 - load) * math.exp(load) / load) - 1 / rate
    wait = sending + queued + ordered_jitter(rate, jitter)
    # Where few updates queue or would overtake, all of them are taken as later by what these wait on average.
    is_simple = rate * jitter < FEW and load < FEW
    waits = (Piece(wait - jitter / 2, wait + jitter / 2, 1.0),) if is_simple else ()
    return Carried(wait, behind, waits)


def _together(held: float, rate: float, later: float) -> Carried:
    """Return what Poisson updates wait that leave together, a time T after the first of them.

    There is a first one every T + 1/λ. It waits T, and the λT others T/2 on average: T(1 + λT/2)/(1 + λT). What comes
    after a gap is behind by its wait for the time of the gap. For others the sum of gap times wait is, in each T, the
    integral of (1 − e^(−λt))/λ · λ(T − t); for the first one it is T((1 − e^(−λT))/λ + 1/λ).
    """
    none = -math.expm1(-rate * held)  # 1 − e^(−λT)
    wait = held * (1 + rate * held / 2) / (1 + rate * held)
    others = held**2 / 2 - held / rate + none / rate**2
    behind = (others + held * (none + 1) / rate) / (held + 1 / rate)
    return Carried(wait + later, behind + later)


def ordered_jitter(rate: float, jitter: float) -> float:
    """Return the mean of a jitter from 0 to J when nothing overtakes Poisson arrivals: J/2 + λJ²/24 for small λJ.

    It is at most w with probability w/J · e^(−λ(J − w)²/(2J)): its own draw is, and no earlier one lasts longer.
    """
    if rate * jitter < 1e-6:
        return jitter / 2
    half = rate * jitter / 2
    return jitter - math.sqrt(math.pi * jitter / 2 / rate) * math.erf(math.sqrt(half)) - math.expm1(-half) / rate


def _of_full_buffer(link: LinkModel) -> float:
    """Return how long an update takes to leave on average that may be anywhere in a full buffer."""
    return (link.sending_seconds(link.held_bytes) + link.update_seconds) / 2


def _carried_periodic(arrivals: Periodic, link: LinkModel) -> Carried:
    """Return D/D/1: nothing queues. Jitter overtakes only if it is longer than the period."""
    period = 1 / arrivals.rate_per_second
    jitter, sending = link.jitter_seconds, link.update_seconds
    if link.held_seconds:
        wait = link.held_seconds - period * math.floor(link.held_seconds / period) / 2 + sending + jitter / 2
        return Carried(wait, wait)
    if link.held_bytes:
        wait = link.later_updates * period + _of_full_buffer(link) + jitter / 2
        return Carried(wait, wait)
    if jitter <= period:
        return Carried(sending + jitter / 2, sending + jitter / 2, (Piece(sending, sending + jitter, 1.0),))
    levels = ((step + 0.5) / STEPS * jitter for step in range(STEPS))
    within = (
        math.prod((level + number * period) / jitter for number in range(1 + int((jitter - level) / period)))
        for level in levels
    )
    wait = sending + jitter * (1 - sum(within) / STEPS)
    return Carried(wait, wait)


def _mixed(mixture: Mixture, link: LinkModel, delay_seconds: float) -> Carried | None:
    found = [(carried(group.arrivals, link, delay_seconds), group) for group in mixture.groups]
    known = [(one, group) for one, group in found if one is not None]
    if len(known) < len(found):
        return None
    per_second = [(one, group.clients * group.arrivals.rate_per_second) for one, group in known]
    wait = weighted((one.wait_seconds, weight) for one, weight in per_second)
    behind = weighted((one.behind_seconds, group.clients) for one, group in known)
    waits = [
        piece._replace(weight=piece.weight * weight / sum(other.weight for other in one.waits))
        for one, weight in per_second
        for piece in one.waits
    ]
    come = weighted((one.per_second, group.clients) for one, group in known)
    return None if wait is None or behind is None else Carried(wait, behind, waits, come)


def _replayed(recorded: Recorded, link: LinkModel, delay_seconds: float) -> Carried | None:
    """Carry the recorded updates again and again, each time with other jitter and another phase of the buffer."""
    made = [(at - recorded.window.from_ns) / NS_PER_SECOND for at in recorded.made_ns]
    end, draw = recorded.window.seconds, stream(1, "link").random
    is_random = link.jitter_seconds or link.held_bytes
    times = max(1, min(MOST_REPLAYS, recorded.replayed // max(1, len(made)))) if is_random else 1
    gaps = [0.0, *(after - before for before, after in pairwise(made))]
    waits: list[float] = []
    behind, come = 0.0, 0
    for number in range(times):
        released = _released(made, recorded.rate_per_second, link, (number + 0.5) / times)
        free = latest = -math.inf
        batch, jitter = -math.inf, 0.0
        for at, gap, ready in zip(made, gaps, released, strict=True):
            if ready > batch:
                batch, jitter = ready, link.jitter_seconds * draw()
            free = max(free, ready) + link.update_seconds
            latest = max(latest, free + jitter)
            behind += gap * max(0.0, min(latest, end) - max(at, 0.0))
            come += 0 <= latest + delay_seconds < end
            if 0 <= at < end:
                waits.append(latest - at)
    if not waits:
        return None
    return Carried(sum(waits) / len(waits), behind / times / end, pieces_of(waits, 1 / times / end), come / times / end)


def _released(made: list[float], rate: float, link: LinkModel, phase: float) -> Iterator[float]:
    """Yield when what is before the link passes each update on: when its buffer is full, or its time is over."""
    size, each = link.held_bytes, link.update_bytes
    if link.held_seconds:
        leaves = -math.inf
        for at in made:
            leaves = at + link.held_seconds if at > leaves else leaves
            yield leaves
        return
    if not size or not each:
        yield from made
        return
    begin = phase * size
    for number in range(len(made)):
        full = math.ceil((begin + (number + 1) * each) / size) * size
        filling = max(number, math.ceil((full - begin) / each - 1e-9) - 1)
        beyond = filling - len(made) + 1
        yield made[filling] if beyond <= 0 else made[-1] + beyond / max(rate, 1e-9)
