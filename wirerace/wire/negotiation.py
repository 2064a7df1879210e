"""What client and server of a WebSocket agree on: permessage-deflate (RFC 7692, section 7.1), or nothing.

The library websockets reads the header and applies the rules.
"""

from functools import lru_cache
from typing import NamedTuple

from websockets.exceptions import InvalidHeaderFormat, NegotiationError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.headers import build_extension, parse_extension
from websockets.typing import ExtensionName

from wirerace.errors import BadAnswer, BadInput, Refused, shown

EXTENSIONS_HEADER = "Sec-WebSocket-Extensions"
DEFLATE = ExtensionName("permessage-deflate")


class Agreement(NamedTuple):
    """For each side, the size of its window, and whether its messages may refer back to earlier ones."""

    server_window_bits: int
    server_takes_over: bool
    client_window_bits: int
    client_takes_over: bool


@lru_cache(maxsize=64)  # nearly all clients offer the same, and thousands would each keep an answer of their own
def agreed(offers: str, window_bits: int, *, shared: bool) -> tuple[Agreement, str] | None:
    """Return what a server agrees to, with its answer; None when it declines every offer.

    With `shared`, no message refers to another one, and all clients must accept the same window. An offer with a
    parameter that is unknown, out of range, or given twice is declined. Raises BadInput when the header is malformed.
    """
    factory = ServerPerMessageDeflateFactory(
        server_no_context_takeover=shared,
        client_no_context_takeover=shared,
        server_max_window_bits=window_bits,
        client_max_window_bits=window_bits,
    )
    try:
        parsed = parse_extension(offers)
    except InvalidHeaderFormat as error:
        raise BadInput(f"{EXTENSIONS_HEADER} must be a list of extensions: {error}") from None
    for name, parameters in parsed:
        if name != DEFLATE:
            continue
        try:
            answered, extension = factory.process_request_params(parameters, [])
        except NegotiationError:
            continue
        if shared and extension.local_max_window_bits < window_bits:
            continue
        agreement = Agreement(
            extension.local_max_window_bits,
            not extension.local_no_context_takeover,
            extension.remote_max_window_bits,
            not extension.remote_no_context_takeover,
        )
        return agreement, build_extension([(name, answered)])
    return None


def offer(*, shared: bool) -> str:
    """Return what a client offers. With `shared`, no message may refer to another one."""
    return build_extension([(DEFLATE, _client(shared=shared).get_request_params())])


def checked_answer(answer: str, *, shared: bool) -> Agreement:
    """Return what a server has agreed to, after `offer`.

    Raises Refused when it has declined, because the measurement would be of something else, and BadAnswer when it has
    answered with something that was not offered.
    """
    if not answer:
        raise Refused(f"the server has declined {DEFLATE}: start it with --deflate, as the client is")
    try:
        ((name, parameters),) = parse_extension(answer)
        if name != DEFLATE:
            raise BadAnswer(f"101 with an extension that was not offered: {shown(answer)}")
        extension = _client(shared=shared).process_response_params(parameters, [])
    except (InvalidHeaderFormat, NegotiationError, ValueError) as error:
        raise BadAnswer(f"101 with {EXTENSIONS_HEADER}: {shown(answer)}: {error}") from None
    if not shared and extension.remote_no_context_takeover:
        raise BadAnswer(f"101 without a compressor per client: {shown(answer)}")
    return Agreement(
        extension.remote_max_window_bits,
        not extension.remote_no_context_takeover,
        extension.local_max_window_bits,
        not extension.local_no_context_takeover,
    )


def refuse_any(answer: str) -> None:
    """Raise BadAnswer when a server has answered with an extension although none was offered."""
    if answer:
        raise BadAnswer(f"101 with an extension that was not offered: {shown(answer)}")


def _client(*, shared: bool) -> ClientPerMessageDeflateFactory:
    return ClientPerMessageDeflateFactory(
        server_no_context_takeover=shared, client_no_context_takeover=shared, client_max_window_bits=True
    )
