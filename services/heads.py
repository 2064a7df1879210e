"""What the head of a request says, as RFC 9110 and RFC 9112 mean it."""

import re
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from wirerace.errors import BadInput
from wirerace.origins import Foreign, check_page

_ENTITY_TAG = re.compile(r'\*|"[^"]*"')
TAGS_HEADER = "If-None-Match"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
Headers = CIMultiDictProxy[str] | CIMultiDict[str]


class Unmet(BadInput):
    """A refused request for which HTTP has a status of its own. `headers` are lines that end in CRLF."""

    def __init__(self, status: HTTPStatus, line: str, headers: str = "") -> None:
        super().__init__(line)
        self.status = status
        self.headers = headers


def tokens_of(headers: Headers, name: str) -> frozenset[str]:
    """Return the members of a list, in lower case. Several lines of one name are one list (RFC 9110, section 5.3)."""
    return frozenset(token.strip().lower() for line in headers.getall(name, ()) for token in line.split(","))


def refuse_unacceptable(request: web.BaseRequest, content_type: str) -> None:
    """Raise Unmet when a request accepts other types only (RFC 9110, section 12.5.1)."""
    accepted: dict[str, bool] = {}
    for one in tokens_of(request.headers, "Accept") - {""}:
        name, *parameters = (part.strip() for part in one.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        accepted[name] = accepted.get(name, False) or bool(quality.strip("0."))
    names = (content_type, f"{content_type.partition('/')[0]}/*", "*/*")
    if accepted and not next((accepted[name] for name in names if name in accepted), False):
        line = f"this path answers with {content_type}: accept it, or leave Accept out"
        raise Unmet(HTTPStatus.NOT_ACCEPTABLE, line)


def entity_tags_in(headers: Headers) -> list[str]:
    """Return the entity tags of If-None-Match, without what makes them weak; * stands for any."""
    return _ENTITY_TAG.findall(",".join(headers.getall(TAGS_HEADER, ())))


def check(request: web.BaseRequest) -> None:
    """Refuse requests that a server must not answer as usual.

    Raises BadInput without exactly one Host (RFC 9112, section 3.2). Raises Unmet for an unknown expectation (RFC 9110,
    section 10.1.1), and for an encoded body (section 8.4), because a small one may fill the memory when it is unpacked.
    """
    headers = request.headers
    if len(headers.getall("Host", ())) != 1 and request.version >= (1, 1):
        raise BadInput("a request of HTTP/1.1 has exactly one Host header")
    if "Expect" in headers and tokens_of(headers, "Expect") != {"100-continue"}:
        raise Unmet(HTTPStatus.EXPECTATION_FAILED, "the only expectation that is met is 100-continue")
    if "Content-Encoding" in headers and tokens_of(headers, "Content-Encoding") != {"identity"}:
        line = "a body must not be encoded: send it as it is"
        raise Unmet(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, line, "Accept-Encoding: identity\r\n")


def refuse_foreign(request: web.BaseRequest, allowed: frozenset[str]) -> None:
    """Raise Unmet when a request comes from a page of another origin that is not allowed."""
    try:
        check_page(request.headers.get, allowed)
    except Foreign as error:
        raise Unmet(HTTPStatus.FORBIDDEN, str(error)) from None


async def body_of(request: web.BaseRequest) -> bytes:
    """Return the body. A client that waits for 100 Continue gets it first."""
    greet(request)
    return await request.read()


async def body_within(request: web.BaseRequest, most_bytes: int, what: str, count: Callable[[int], None]) -> bytes:
    """Return the body of `what`. A client that waits for 100 Continue gets it first; `count` gets its bytes.

    Raises Unmet when the body is longer than `most_bytes`, and BadInput when it is damaged. The rest of it is not read.
    """
    line = f"a {what} has at most {most_bytes} bytes: send less"
    if (request.content_length or 0) > most_bytes:
        raise Unmet(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, line)
    count(greet(request))
    parts: list[bytes] = []
    left_bytes = most_bytes
    async for part in request.content.iter_any():
        left_bytes -= len(part)
        if left_bytes < 0:
            raise Unmet(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, line)
        parts.append(part)
    return b"".join(parts)


def greet(request: web.BaseRequest) -> int:
    """Send 100 Continue to a client that waits for it (RFC 9110, section 10.1.1), and return the bytes sent."""
    transport = request.transport
    if "Expect" in request.headers and request.version >= (1, 1) and transport is not None:
        transport.write(CONTINUE)
        return len(CONTINUE)
    return 0
