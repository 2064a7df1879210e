"""The contest in containers: the stack's own producer and servers, which the browser reaches at published ports."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from wirerace.errors import BadInput, TrialFailed, shown
from wirerace.experiment.paths import NetworkPath
from wirerace.options import variable_of
from wirerace.runner.peer import Peer
from wirerace.transports import PRODUCER_PORT, TRANSPORTS
from wirerace.transports.transport import Transport
from wirerace.watch.contest import Abilities, CrowdState, Lane, Offer, lane_of
from wirerace.watch.vitals import SeenProcess
from wirerace.workload.schedule import Schedule

ANSWER_SECONDS = 1.0
"""For a service's answer: a container that is paused must not keep the page from the others' figures."""
FIRST_CHANNEL = "1"
OTHERWISE = (
    "Cut makes this page close its own connections. A delay takes a proxy before each server, and a stall takes a "
    "signal to its process: the stack has neither, and make watch has both."
)
ELSEWHERE = "is not possible in the stack: use make watch"


class Remote(NamedTuple):
    """A service in another container. Its process is not seen from here."""

    peer: Peer
    part: SeenProcess | None = None


class StackContest:
    """Producer and servers of the stack, as an environment names them. Anybody else may change the schedule, too.

    `WIRERACE_PRODUCER_URL` and `WIRERACE_<NAME>_HOST` are the addresses between containers. `WIRERACE_<NAME>_PAGE_URL`
    and `WIRERACE_LOCUST_PAGE_URL` are those for the browser.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.path = NetworkPath()
        crowd_url = self._url("locust_page_url", "http://127.0.0.1:8089")
        self.abilities = Abilities(
            delay=False, stall=False, cut=False, crowd=0, crowd_url=crowd_url, otherwise=OTHERWISE
        )
        self.producer = self._service("producer", self._url("producer_url", f"http://producer:{PRODUCER_PORT}"))
        has_channels = environment.get(variable_of("channels"), "1") != "1"
        self._query = f"?channel={FIRST_CHANNEL}" if has_channels else ""
        self.lanes = {name: self._lane(transport) for name, transport in TRANSPORTS.items()}

    def read_schedule(self) -> Schedule | None:
        """Return what the producer makes; None if it makes nothing, or does not answer."""
        try:
            return self.producer.peer.get("/schedule", Schedule | None)  # type: ignore[arg-type]  # a union is no type
        except TrialFailed:
            return None

    def offer(self, wanted: Offer) -> None:
        """Make updates as the page asks for, from now on.

        Raises TrialFailed when the producer does not answer.
        """
        self.producer.peer.send("PUT", "/schedule", wanted.applied_to(self.read_schedule() or Schedule()), Schedule)

    def set_path(self, path: NetworkPath) -> None:  # noqa: ARG002 -- nothing here could delay anything
        """Refuse."""
        raise BadInput(f"a delay {ELSEWHERE}")

    def cut(self, transport: str | None) -> int:  # noqa: ARG002 -- the page closes its own connections
        """Refuse."""
        raise BadInput(f"a cut {ELSEWHERE}")

    def stall(self, transport: str, seconds: float) -> None:  # noqa: ARG002 -- no container may signal another
        """Refuse."""
        lane_of(self.lanes, transport)
        raise BadInput(f"a stall {ELSEWHERE}")

    def set_crowd(self, clients: int) -> None:  # noqa: ARG002 -- Locust's page does it
        """Refuse."""
        raise BadInput(f"start a crowd on Locust's page, {self.abilities.crowd_url}")

    def crowd_state(self) -> CrowdState:
        """Return that this page has started none."""
        return CrowdState()

    def _lane(self, transport: Transport) -> Lane:
        inside = self._url(f"{transport.name}_host", f"http://{transport.name}:{transport.port}")
        outside = self._url(f"{transport.name}_page_url", f"http://127.0.0.1:{transport.port}")
        url = f"{outside}{transport.path}{self._query}"
        return Lane(transport, transport.options(), url, self._service(transport.name, inside))

    def _service(self, name: str, url: str) -> Remote:
        place = urlsplit(url)
        return Remote(Peer(name, place.port or 80, host=place.hostname or "", answer_seconds=ANSWER_SECONDS))

    def _url(self, field: str, default: str) -> str:
        """Return an address from the environment.

        Raises BadInput, naming the variable, when it is none.
        """
        text = self._environment.get(variable_of(field), default)
        try:
            place = urlsplit(text)
            is_one = place.scheme == "http" and bool(place.hostname) and place.port != 0 and place.path in {"", "/"}
        except ValueError:
            is_one = False
        if not is_one:
            raise BadInput(f"{variable_of(field)} must be http://HOST:PORT, got {shown(text)}")
        return text.removesuffix("/")
