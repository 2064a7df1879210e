"""The outlook: what theory expects each transport to measure, at the settings that the page has now."""

from collections.abc import Mapping

import msgspec

from wirerace.decoding import convert
from wirerace.errors import BadInput, shown
from wirerace.experiment.paths import NetworkPath
from wirerace.theory import find_theory
from wirerace.theory.closed_forms import closed_arrivals
from wirerace.theory.link import LinkModel
from wirerace.theory.path import DeliveryPath
from wirerace.transports.transport import TransportOptions
from wirerace.watch.contest import Lane
from wirerace.workload.amounts import ENVELOPE_BYTES
from wirerace.workload.schedule import Source

ROUND_TRIP = "round_trip_seconds"
MOST_ROUND_TRIP_SECONDS = 60.0


class Outlook(msgspec.Struct, frozen=True):
    """The means that theory expects; None where no closed form is known."""

    latency_seconds: float | None = None
    age_seconds: float | None = None
    empty_fraction: float | None = None


class Client(msgspec.Struct, frozen=True):
    """What the page says of its clients: the time of an exchange without a delay, and the options that it changed."""

    round_trip_seconds: float
    options: Mapping[str, Mapping[str, str]]


def client_of(query: Mapping[str, str]) -> Client:
    """Return what a page's query says: `round_trip_seconds=0.001&polling.interval_seconds=2`.

    Raises BadInput when a parameter is neither.
    """
    options: dict[str, dict[str, str]] = {}
    for name, text in query.items():
        transport, _, option = name.partition(".")
        if option:
            options.setdefault(transport, {})[option] = text
        elif name != ROUND_TRIP:
            raise BadInput(f"{shown(name)} is neither {ROUND_TRIP} nor an option such as polling.interval_seconds")
    round_trip = convert(query.get(ROUND_TRIP, "0"), float, ROUND_TRIP, strict=False)
    if not 0 <= round_trip <= MOST_ROUND_TRIP_SECONDS:
        raise BadInput(f"{ROUND_TRIP} must be from 0 to {MOST_ROUND_TRIP_SECONDS:g}, got {round_trip:g}")
    return Client(round_trip, options)


def options_of(lane: Lane, client: Client) -> TransportOptions:
    """Return the options of a lane's client: the experiment's, with those that the page changed.

    The page's clients want all updates, whatever the experiment says. Raises BadInput, naming the option, when one does
    not fit.
    """
    own = lane.options
    given = msgspec.to_builtins(own) | {"deliver": "all"} | client.options.get(lane.transport.name, {})
    return convert(given, type(own), lane.transport.name, strict=False)


def outlook(lane: Lane, source: Source, path: NetworkPath, feed_seconds: float | None, client: Client) -> Outlook:
    """Return what theory expects of a lane.

    An update is on its path for the feed's lag, half of the page's round trip, and the path's delay and mean jitter. It
    leaves at the path's bandwidth. Nothing of this is taken from the lane's own latencies.
    """
    arrivals, theory, options = closed_arrivals(source), find_theory(lane.transport.name), options_of(lane, client)
    if arrivals is None or theory is None or feed_seconds is None:
        return Outlook()
    round_trip = client.round_trip_seconds + path.round_trip_seconds
    bits, held = path.bandwidth_bits_per_second, path.held_back_bytes(lane.transport)
    update_bytes = ENVELOPE_BYTES + source.median_payload_bytes
    link = LinkModel(0.0, bits, held, update_bytes)  # the jitter's mean is in the round trip
    answer_seconds = link.update_seconds if lane.transport.asks else 0.0
    prediction = theory.predict(
        arrivals,
        DeliveryPath(feed_seconds + round_trip / 2 + answer_seconds, repoll_seconds=(round_trip,), link=link),
        options,
    )
    return Outlook(prediction.latency_seconds, prediction.age_seconds, prediction.empty_fraction)
