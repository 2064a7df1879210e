"""The text of an advice: one sentence, one table that fits 80 columns, and notes. docs/advice.md explains each line."""

import math
import textwrap
from collections.abc import Iterator, Sequence

from wirerace.analysis.cost_model.estimate import (
    ALIKE_MONEY,
    Advice,
    Estimate,
    HostSize,
    Need,
    Sized,
    hosts_of,
    is_alike,
    servers_of,
)
from wirerace.analysis.cost_model.flips import Flip
from wirerace.analysis.cost_model.model import CostModel
from wirerace.analysis.cost_model.terms import way_of
from wirerace.errors import printable
from wirerace.transports import TRANSPORTS

COLUMNS = 80
HEADINGS = ("transport", "latency", "age", "cores", "GiB", "in", "out", "req/s", "$/month")
WIDTHS = (16, 8, 8, 6, 6, 6, 6, 6, 7)
GIB = 2.0**30
UNITS = {"clients": "clients", "updates_per_second": "updates a second"}
SINGULAR = {"clients": "client", "updates a second": "update a second"}


def lines_of(model: CostModel, need: Need, advice: Advice, flips: Sequence[Flip], host: HostSize) -> list[str]:
    """Return the lines of an advice."""
    return [
        *textwrap.wrap(sentence_of(need, advice), COLUMNS),
        "",
        *table_of(advice),
        "",
        *(line for note in notes_of(model, advice, flips, host) for line in textwrap.wrap(note, COLUMNS)),
    ]


def sentence_of(need: Need, advice: Advice) -> str:
    """Return the answer in a sentence or two."""
    asked = (
        f"{counted(need.clients, 'clients')} get{'s' if need.clients == 1 else ''} "
        f"{counted(need.updates_per_second, 'updates a second')} within {seconds(need.fresh_within_seconds)}"
    )
    take, cheapest = advice.take, advice.cheapest
    if take is None or cheapest is None:
        return f"No transport can do this: {asked}. The table has the nearest that each can do."
    said = f"Take {spoken(take)}: {asked} for about ${number(take.money_per_month)} a month."
    if take.transport != cheapest.transport:
        less = f"${number(ALIKE_MONEY)} a month" if take.money_per_month < 10 * ALIKE_MONEY else "a fifth"
        said += f" {TRANSPORTS[cheapest.transport].title} is the cheapest, but it saves no more than {less}."
        return said if way_of(take.transport) == "polled" else said + _against(take, advice)
    return said + _against(take, advice)


def _against(take: Estimate, advice: Advice) -> str:
    """Return a sentence about polling, or, where polling is the answer, about the next best."""
    polling = next((one for one in advice.estimates if way_of(one.transport) == "polled"), None)
    if polling is not None and not polling.meets:
        return " Plain polling cannot be fresh enough."
    if polling is not None and polling is not take:
        times = _times(polling.money_per_month, take.money_per_month)
        return f" Plain polling every {seconds(polling.interval_seconds or 0)} would cost {times} times as much."
    others = [one for one in advice.estimates if one.meets and one is not take]
    other = min(others, key=lambda one: one.money_per_month, default=None)
    if other is None:
        return ""
    title = TRANSPORTS[other.transport].title
    if is_alike(other, take):
        return (
            f" {title} costs about the same, and is {_times(take.latency_seconds, other.latency_seconds)} times sooner."
        )
    return f" {title} would cost {_times(other.money_per_month, take.money_per_month)} times as much."


def _times(value: float, base: float) -> str:
    return number(value / base) if base else "many"


def spoken(one: Estimate) -> str:
    """Return a transport as a sentence names it."""
    if one.interval_seconds is not None:
        return f"plain polling, every {seconds(one.interval_seconds)}"
    return TRANSPORTS[one.transport].title


def table_of(advice: Advice) -> list[str]:
    """Return the table: > marks the answer, * what is beyond the measured range, ! what cannot meet the need."""
    over = f"{'':{sum(WIDTHS[:5]) + 7}}{'Mbit/s':>{WIDTHS[5] + WIDTHS[6] + 1}}"
    head = "  " + " ".join(
        f"{heading:{'<' if index == 0 else '>'}{width}}"
        for index, (heading, width) in enumerate(zip(HEADINGS, WIDTHS, strict=True))
    )
    return [over.rstrip(), head, *(_row(one, is_answer=one is advice.take) for one in advice.estimates)]


def _row(one: Estimate, *, is_answer: bool) -> str:
    amounts = (
        one.cores,
        one.memory_bytes / GIB,
        one.mbit_in_per_second,
        one.mbit_out_per_second,
        one.requests_per_second,
        one.money_per_month,
    )
    cells = (seconds(one.latency_seconds), seconds(one.age_seconds), *map(_compact, amounts))
    mark = (">" if is_answer else " " if one.meets else "!") + ("*" if one.beyond else " ")
    figures = " ".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS[1:], strict=True))
    title = TRANSPORTS[one.transport].title
    name = title if one.interval_seconds is None else f"{title}, {seconds(one.interval_seconds)}"
    return f"{mark}{name:<{WIDTHS[0]}} {figures}"


def _compact(value: float) -> str:
    """Return a number in six characters at most, whatever its size."""
    if 0.001 <= value < 0.0995:
        return f"{value:.1g}"
    return f"{float(f'{value:.3g}') / 1e3:.3g}k" if 1e5 <= value < 0.9995e6 else number(value)


def notes_of(model: CostModel, advice: Advice, flips: Sequence[Flip], host: HostSize) -> Iterator[str]:
    """Yield what has to be known beside the table."""
    if advice.take is not None:
        yield f"The answer changes {_flipped(flips)}." if flips else "Nothing within three decades changes the answer."
    yield from _sizes(model, advice, host)
    for one in advice.estimates:
        if one.why_not:
            yield f"! {TRANSPORTS[one.transport].title}: {one.why_not}."
    if broken := [one for one in advice.estimates if one.broken]:
        names = ", ".join(TRANSPORTS[one.transport].title for one in broken)
        yield f"Latency and age are lower bounds with {names}, because {broken[0].broken[0]}."
    yield from _beyond(advice)
    yield _residuals(model)


def _sizes(model: CostModel, advice: Advice, host: HostSize) -> Iterator[str]:
    """Yield how many replicas and hosts each transport takes, if any takes more than one server."""
    if all(one.processes == 1 for one in advice.estimates):
        return
    found = []
    for one in (one for one in advice.estimates if one.meets):
        servers, hosts = servers_of(one, model), hosts_of(one, model, host)
        found.append(f"{TRANSPORTS[one.transport].title} {_between(servers)} on {_between(hosts)}")
    size = f"{number(host.cores)} cores and {number(host.gib)} GiB"
    yield f"Replicas of the server, on hosts of {size}, with the error of the model: {'; '.join(found)}."


def _between(found: Sized) -> str:
    said = f"{found.number:,}"
    return said if found.least == found.most else f"{said} ({found.least:,} to {found.most:,})"


def _flipped(flips: Sequence[Flip]) -> str:
    """Return where the answer becomes which other one; two digits, because the model is not better than that."""
    return "; ".join(
        f"to {'no transport' if flip.take is None else TRANSPORTS[flip.take].title} "
        f"{f'from {_place(flip)} on' if flip.direction == 'up' else f'below {_place(flip)}'}"
        for flip in flips
    )


def _place(flip: Flip) -> str:
    value = float(f"{flip.value:.2g}")
    if flip.quantity == "fresh_within_seconds":
        return f"a freshness of {seconds(value)}"
    return counted(value, UNITS[flip.quantity])


def counted(value: float, unit: str) -> str:
    """Return a number of something: 1 client, 2 clients, 1 update a second."""
    return f"{number(value)} {SINGULAR[unit] if value == 1 else unit}"


def _beyond(advice: Advice) -> Iterator[str]:
    """Yield one note for all transports, because most of them leave the measured range in the same places."""
    found = {text: one.transport for one in advice.estimates for text in one.beyond}
    if found:
        names = sorted({TRANSPORTS[one.transport].title for one in advice.estimates if one.beyond})
        whose = "" if len(names) == len(advice.estimates) else f" ({', '.join(names)})"
        yield f"* Beyond what was measured{whose}: {'; '.join(_widest(found))}."


def _widest(texts: Sequence[str] | dict[str, str]) -> list[str]:
    """Return one text for each quantity: the first."""
    kept: dict[str, str] = {}
    for text in texts:
        kept.setdefault(text.split(" (")[0].split(" ", 1)[1], text)
    return list(kept.values())


def _residuals(model: CostModel) -> str:
    """Return how far the model is from its own trials: the worst transport of each quantity."""
    of_all, provenance = list(model.residuals.values()), model.provenance

    def off(name: str, title: str) -> str:
        middle, most = (max(getattr(one[name], part) for one in of_all) for part in ("median", "largest"))
        return f"{title} {100 * middle:.0f} % ({100 * most:.0f} %)"

    return (
        f"The model is of {provenance.measured_at[0][:10]}, from {provenance.trials} trials, "
        f"{provenance.invalid_trials} of them not valid. The worst transport is off by this much in half of its "
        "trials, and at most: "
        f"{off('cpu', 'CPU')}, {off('bytes', 'bytes')}, {off('latency', 'latency')}."
        + (f" {printable(provenance.note)}" if provenance.note else "")
    )


def number(value: float) -> str:
    """Return a number with three digits, as people write it: 0.0123, 12.3, 1,230, 1.2M."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    if abs(value) < 0.001:
        return f"{value:.0e}".replace("e-0", "e-")
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 1e12:
        return f"{value:.0e}"
    for size, suffix in ((1e9, "G"), (1e6, "M")):
        if abs(rounded) >= size:
            return f"{rounded / size:.3g}{suffix}"
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:.3g}"


def seconds(value: float) -> str:
    """Return a time with its unit, long ones in days."""
    if value >= 1e5:
        return f"{number(value / 86_400)} d"
    for size, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if float(f"{value:.3g}") >= size:
            return f"{number(value / size)} {name}"
    return f"{number(value)} s"
