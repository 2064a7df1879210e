"""A connection to a NATS broker: its address, the names of what is there, requests to JetStream, and its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, TypeVar

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.feed_link import BadFeed
from wirerace.addresses import host_port_in, spelled
from wirerace.errors import BadInput, shown
from wirerace.wire.update import NO_UPDATE, is_channel

PORT, NAME = 4222, "wirerace"
EXAMPLE = f"nats://127.0.0.1:{PORT}"
PING_SECONDS, MOST_PINGS = 1, 2
"""A broker that does not answer is given up after three seconds, like a silent producer."""
CLOSE_SECONDS, CANCEL_SECONDS = 0.5, 0.1
NO_SUCH_STREAM = 10059
STATUS = "Status"
"""The header of a message that the broker itself has sent: a heartbeat of a consumer, or that nobody listens."""

Result = TypeVar("Result")


class BrokerAddress(NamedTuple):
    """A broker, and the name under which a producer publishes there.

    The updates of an epoch are in the stream `stream(epoch)`: those of the default channel under the subject
    `updates(epoch)`, those of another one under that of its name.
    """

    host: str
    port: int
    name: str

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"nats://{spelled(self.host, self.port)}/{self.name}"

    @property
    def beats(self) -> str:
        """The subject of the producer's heartbeats."""
        return f"{self.name}.beats"

    @property
    def head(self) -> str:
        """The subject of requests for the producer's newest cursor and the heads of its channels."""
        return f"{self.name}.head"

    @property
    def messages(self) -> str:
        """The subject of requests that pass messages on."""
        return f"{self.name}.messages"

    def stream(self, epoch: str) -> str:
        """Return the name of the stream of an epoch."""
        return f"{self.name}-{epoch}"

    def updates(self, epoch: str, channel: str = "") -> str:
        """Return the subject of the updates of a channel."""
        return f"{self.name}.updates.{epoch}" + (f".{channel}" if channel else "")


def address_in(url: str) -> BrokerAddress:
    """Return the broker, and the name there, that a URL names: nats://HOST:PORT/NAME.

    Raises BadInput when it is none.
    """
    scheme, separator, rest = url.partition("://")
    authority, _, name = rest.partition("/")
    host, port = host_port_in(f"{scheme}{separator}{authority}", ("nats",), EXAMPLE)
    name = name or NAME
    if not is_channel(name):
        raise BadInput(f"the path of {EXAMPLE}/{NAME} is a name of 1 to 32 letters, digits, _ and -, got {shown(name)}")
    return BrokerAddress(host, port or PORT, name)


class ApiError(msgspec.Struct, frozen=True):
    """What JetStream refuses, and why."""

    code: int
    err_code: int = 0
    description: str = ""


class StreamState(msgspec.Struct, frozen=True):
    """What a stream keeps: `last_seq` is the newest sequence that it has ever had."""

    last_seq: int = 0


class ApiAnswer(msgspec.Struct, frozen=True):
    """An answer of JetStream; which fields there are depends on the request."""

    error: ApiError | None = None
    config: dict[str, Any] = {}
    state: StreamState = StreamState()
    streams: list[str] | None = None
    seq: int = 0


class ApiRefusal(BadFeed):
    """JetStream refuses a request; `number` is that of the error."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.description or f"JetStream refuses with {error.code}")
        self.number = error.err_code


class BrokerLink:
    """A connection to a broker. `lost` gets the error that has ended it."""

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address
        self.client = Client()
        self.lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._is_open = False
        self._opening: asyncio.Future[None] | None = None

    async def open(self, within_seconds: float) -> None:
        """Connect. Raises OSError when that is not possible in time."""
        place = f"nats://{spelled(self.address.host, self.address.port)}"
        self._opening = opening = asyncio.ensure_future(
            self.client.connect(
                place,
                error_cb=self._failed,
                closed_cb=self._closed,
                allow_reconnect=False,  # the feed connects again, with its own pauses
                connect_timeout=max(1, round(within_seconds)),
                ping_interval=PING_SECONDS,
                max_outstanding_pings=MOST_PINGS,
                name="wirerace",
            )
        )
        await asyncio.wait({opening}, timeout=within_seconds)
        if not opening.done():
            raise TimeoutError(f"no connection within {within_seconds:g} s")
        with as_os_errors():
            opening.result()
        self._is_open = True

    async def listen(self, subject: str, take: Callable[[Msg], Awaitable[None]]) -> None:
        """Call `take` with each message; an error of it ends the link."""
        with as_os_errors():
            await whole(self.client.subscribe(subject, cb=take))

    async def ask(self, subject: str, body: bytes, within_seconds: float) -> Msg:
        """Return the answer to a request. Raises OSError when none comes in time, or when nobody listens."""
        with as_os_errors(f"no answer within {within_seconds:g} s"):
            return await whole(self.client.request(subject, body, timeout=within_seconds))

    async def api(self, request: str, within_seconds: float, body: object = None) -> ApiAnswer:
        """Return JetStream's answer to a request.

        Raises ApiRefusal, BadFeed when the broker has no JetStream, OSError when no answer comes in time.
        """
        encoded = b"" if body is None else msgspec.json.encode(body)
        try:
            message = await whole(self.client.request(f"$JS.API.{request}", encoded, timeout=within_seconds))
        except nats.errors.NoRespondersError:
            raise BadFeed("the broker has no JetStream: start it with nats-server --jetstream") from None
        except (nats.errors.Error, TimeoutError) as error:
            raise ConnectionError(f"JetStream does not answer: {said(error)}") from None
        answer = decoded(message.data)
        if answer.error is not None:
            raise ApiRefusal(answer.error)
        return answer

    def fail(self, error: Exception) -> None:
        """End the link with an error, if it has not ended before."""
        if not self.lost.done():
            self.lost.set_result(ConnectionError(said(error)) if isinstance(error, nats.errors.Error) else error)

    async def close(self) -> None:
        """Close; what the broker does not take in time is dropped."""
        self.fail(ConnectionError("it was closed"))
        if self._opening is not None:
            while not self._opening.done():  # the library may swallow a cancellation
                self._opening.cancel()
                await asyncio.wait({self._opening}, timeout=CANCEL_SECONDS)
            if not self._opening.cancelled():
                self._opening.exception()
            with contextlib.suppress(OSError, nats.errors.Error):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await whole(self.client.close())

    async def _failed(self, error: Exception) -> None:
        self.fail(error)
        if not self._is_open and not self.client.is_closed:
            raise error  # else the library would try again

    async def _closed(self) -> None:
        self.fail(ConnectionError("it has ended"))


@asynccontextmanager
async def opened(address: BrokerAddress, within_seconds: float) -> AsyncIterator[BrokerLink]:
    """Yield a connection to a broker, and close it in the end. Raises OSError when there is none."""
    link = BrokerLink(address)
    try:
        await link.open(within_seconds)
        yield link
    finally:
        await link.close()


async def whole(call: Coroutine[Any, Any, Result]) -> Result:
    """Await a call of the library in a task of its own, because the library may swallow the task's cancellation."""
    task = asyncio.ensure_future(call)
    task.add_done_callback(lambda done: None if done.cancelled() else done.exception())  # it may have no other reader
    return await asyncio.shield(task)


def decoded(data: bytes) -> ApiAnswer:
    """Return an answer of JetStream. Raises BadFeed when it is none."""
    try:
        return msgspec.json.decode(data, type=ApiAnswer)
    except NO_UPDATE as error:
        raise BadFeed(f"an answer of JetStream is malformed: {error}") from None


@contextmanager
def as_os_errors(late: str = "no answer") -> Iterator[None]:
    """Raise the library's errors as OSError."""
    try:
        yield
    except TimeoutError:
        raise TimeoutError(late) from None
    except nats.errors.Error as error:
        raise ConnectionError(said(error)) from None


def said(error: Exception) -> str:
    """Return what an error says, without the library's name."""
    return str(error).removeprefix("nats: ") or type(error).__name__
