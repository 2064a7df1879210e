"""RFC 6455 as a table, for a server that returns every message: what a client sends, and all that must come back.

A case's name begins with the section that it is about. Each case ends with a close: the server's own where the client
breaks the protocol, otherwise the answer to the client's.
"""

import struct
from typing import NamedTuple

from tests.contract.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Received, close, fragments, frame

PROTOCOL_ERROR, BAD_PAYLOAD = 1002, 1007
KINDS = {"text": TEXT, "binary": BINARY}
CONTROL = {"ping": PING, "pong": PONG, "close": CLOSE}
FRAMES = KINDS | CONTROL
SIZES = (0, 1, 125, 126, 127, 128, 65_535, 65_536)
MOST_REASON = b"x" * 123


class Step(NamedTuple):
    """Bytes of a client, and the frames with which a server answers them."""

    sent: bytes
    expected: tuple[Received, ...]


Case = tuple[Step, ...]
"""All that happens after the handshake. A server closes in the last step, and not before."""


def closed(code: int | None = 1000, reason: bytes = b"") -> Step:
    """Return a step in which the client closes."""
    return Step(close(code, reason), (Received(CLOSE, code),))


def returned(opcode: int, payload: bytes, *sent: bytes) -> Case:
    """Return a case in which one message comes back, which is sent in one frame or as given."""
    return Step(b"".join(sent) or frame(opcode, payload), (Received(opcode, payload),)), closed()


def answered(sent: bytes, *expected: Received) -> Case:
    """Return a case without a fault."""
    return Step(sent, expected), closed()


def refused(code: int, sent: bytes, *before: Step) -> Case:
    """Return a case that the server ends with `code`, at the latest when it has all of `sent`."""
    return *before, Step(sent, (Received(CLOSE, code),))


BEGUN = frame(TEXT, b"begun", final=False)
GOOD = Step(frame(TEXT, b"good"), (Received(TEXT, b"good"),))
IN_TWO = Step(fragments(BINARY, b"a", b"b"), (Received(BINARY, b"ab"),))

MASKING = {
    **{
        f"5.1 {name} that is not masked": refused(PROTOCOL_ERROR, frame(opcode, masked=False))
        for name, opcode in FRAMES.items()
    },
    "5.1 continuation that is not masked": refused(PROTOCOL_ERROR, BEGUN + frame(CONTINUATION, b"x", masked=False)),
    "5.3 mask of zeros": returned(TEXT, b"plain", b"\x81\x85\0\0\0\0plain"),
    "5.3 mask under which text looks like no text": returned(TEXT, b"\0\x7f", b"\x81\x82\xff\x80\xff\x80\xff\xff"),
}

TOO_LONG_LENGTHS = (("!BH", 126, 0), ("!BH", 126, 125), ("!BQ", 127, 0), ("!BQ", 127, 126), ("!BQ", 127, 65_535))
FRAMING = {
    **{
        f"5.2 {name} of {size} bytes": returned(opcode, (b"0123456789" * (size // 10 + 1))[:size])
        for name, opcode in KINDS.items()
        for size in SIZES
    },
    **{
        f"5.2 reserved bit {bit} in a {name}": refused(PROTOCOL_ERROR, frame(opcode, reserved=value))
        for name, opcode in FRAMES.items()
        for bit, value in enumerate((4, 2, 1), 1)
    },
    "5.2 reserved bit in a continuation": refused(PROTOCOL_ERROR, BEGUN + frame(CONTINUATION, b"x", reserved=4)),
    "5.2 reserved bit after a message": refused(PROTOCOL_ERROR, frame(TEXT, reserved=1), GOOD),
    **{
        f"5.2 opcode {opcode}, {label}": refused(PROTOCOL_ERROR, frame(opcode, payload))
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        for label, payload in {"empty": b"", "with a payload": b"x"}.items()
    },
    "5.2 opcode 3 after a message": refused(PROTOCOL_ERROR, frame(3), GOOD),
    **{
        f"5.2 length {size} in {16 if flag == 126 else 64} bits": refused(
            PROTOCOL_ERROR, frame(BINARY, bytes(size), length=struct.pack(form, flag, size))
        )
        for form, flag, size in TOO_LONG_LENGTHS
    },
    **{
        f"5.2 length of 64 bits, the highest set: {size:x}": refused(
            PROTOCOL_ERROR, frame(BINARY, length=struct.pack("!BQ", 127, size))
        )
        for size in (1 << 63, (1 << 64) - 1)
    },
    "5.2 payload that looks like a frame": returned(BINARY, frame(TEXT, b"inner")),
    "5.2 text and binary in turn": (GOOD, Step(frame(BINARY, b"b"), (Received(BINARY, b"b"),)), GOOD, closed()),
}

PINGED, PONGED = frame(PING, b"between"), Received(PONG, b"between")
FRAGMENTS = {
    **{
        f"5.4 {name} in fragments, {label}": returned(opcode, b"".join(parts), fragments(opcode, *parts))
        for name, opcode in KINDS.items()
        for label, parts in {
            "none empty": (b"one", b"two"),
            "the first one empty": (b"", b"two", b"three"),
            "the second one empty": (b"one", b"", b"three"),
            "the last one empty": (b"one", b"two", b""),
            "all empty": (b"", b"", b""),
            "each of one byte": (b"f", b"i", b"v", b"e"),
        }.items()
    },
    "5.4 ping between fragments": answered(
        fragments(TEXT, b"one", b"two", between=PINGED), PONGED, Received(TEXT, b"onetwo")
    ),
    "5.4 many pings between many fragments": answered(
        fragments(TEXT, *[b"x"] * 50, between=PINGED), *[PONGED] * 49, Received(TEXT, b"x" * 50)
    ),
    "5.4 pong between fragments": returned(TEXT, b"ab", fragments(TEXT, b"a", b"b", between=frame(PONG, b"unasked"))),
    "5.4 close between fragments": answered(BEGUN),
    "5.4 close between fragments, and then the others": refused(1000, BEGUN + close(1000) + frame(CONTINUATION, b"x")),
    "5.4 two messages in fragments": (IN_TWO, IN_TWO, closed()),
    "5.4 continuation of nothing": refused(PROTOCOL_ERROR, frame(CONTINUATION, b"x")),
    "5.4 continuation of nothing that does not end": refused(PROTOCOL_ERROR, frame(CONTINUATION, b"x", final=False)),
    "5.4 continuation of a whole message": refused(PROTOCOL_ERROR, frame(CONTINUATION, b"x"), GOOD),
    "5.4 continuation of a message that has ended": refused(PROTOCOL_ERROR, frame(CONTINUATION, b"x"), IN_TWO),
    "5.4 continuation of a ping": refused(
        PROTOCOL_ERROR, frame(CONTINUATION, b"x"), Step(frame(PING), (Received(PONG, b""),))
    ),
    **{
        f"5.4 {name} within a message, {label}": refused(PROTOCOL_ERROR, BEGUN + frame(opcode, b"x", final=final))
        for name, opcode in KINDS.items()
        for label, final in {"whole": True, "in fragments": False}.items()
    },
}

CONTROL_FRAMES = {
    **{
        f"5.5 {name} in fragments": refused(PROTOCOL_ERROR, frame(opcode, final=False))
        for name, opcode in CONTROL.items()
    },
    **{
        f"5.5 {name} of {size} bytes": refused(PROTOCOL_ERROR, frame(opcode, b"\x03\xe8" + b"x" * (size - 2)))
        for name, opcode in CONTROL.items()
        for size in (126, 65_536)
    },
    **{
        f"5.5.2 ping of {len(payload)} bytes": answered(frame(PING, payload), Received(PONG, payload))
        for payload in (b"", b"x", b"\x00\xff\xfe\xfd" * 31, b"\xff" * 125)
    },
    "5.5.2 pings in a row": answered(
        b"".join(frame(PING, b"%d" % index) for index in range(10)),
        *(Received(PONG, b"%d" % index) for index in range(10)),
    ),
    "5.5.3 pongs that nobody asked for": answered(frame(PONG) + frame(PONG, b"unasked")),
    "5.5.3 pong that nobody asked for, and a ping": answered(frame(PONG, b"no") + PINGED, PONGED),
}

CLOSES: dict[str, Case] = {
    "5.5.1 close without a code": (closed(None),),
    "5.5.1 close with a reason": (closed(1000, "adiós".encode()),),
    "5.5.1 close with the longest reason": (closed(1000, MOST_REASON),),
    "5.5.1 close whose reason is too long": refused(PROTOCOL_ERROR, close(1000, MOST_REASON + b"x")),
    "5.5.1 close of one byte": refused(PROTOCOL_ERROR, frame(CLOSE, b"\x03")),
    "5.5.1 close after a message": (GOOD, closed()),
    **{f"5.5.1 {name} after a close": refused(1000, close(1000) + frame(code)) for name, code in FRAMES.items()},
    "5.5.1 fault after a close": refused(1000, close(1000) + frame(TEXT, b"\xff", reserved=7)),
    # 1014 may be sent, too, but wsproto, which reads the answers, does not know it.
    **{
        f"7.4 code {code}": (closed(code),) for code in (*range(1000, 1004), *range(1007, 1014), 3000, 3999, 4000, 4999)
    },
    **{
        f"7.4 code {code}, which no frame may have": refused(PROTOCOL_ERROR, close(code))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
    "8.1 reason that is no UTF-8": refused(BAD_PAYLOAD, close(1000, b"caf\xe9")),
    "8.1 reason that ends within a character": refused(BAD_PAYLOAD, close(1000, b"\xe2\x82")),
}

GOOD_TEXTS = {
    "Greek": "κόσμε",
    "the first and the last character of each length": "\x00\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff",
    "what stands beside the surrogates": "\ud7ff\ue000",
    "noncharacters": "\ufdd0\ufffe\uffff\U0001fffe\U0010fffe",
    "a byte order mark": "\ufeffx",
}
BAD_TEXTS = {
    "a continuation byte": b"\x80",
    "a byte that is never used": b"\xff",
    "an overlong character of 2 bytes": b"\xc0\xaf",
    "an overlong character of 3 bytes": b"\xe0\x80\xaf",
    "an overlong character of 4 bytes": b"\xf0\x80\x80\xaf",
    "an overlong NUL": b"\xc1\x80",
    "the first surrogate": b"\xed\xa0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "a character above U+10FFFF": b"\xf4\x90\x80\x80",
    "a character of 5 bytes": b"\xf8\x88\x80\x80\x80",
    "a character of 6 bytes": b"\xfc\x84\x80\x80\x80\x80",
    "a character without its end": b"\xe2\x82x",
}
TEXTS = {
    **{f"8.1 {name}": returned(TEXT, text.encode()) for name, text in GOOD_TEXTS.items()},
    **{
        f"8.1 {name}, each byte in a fragment": returned(
            TEXT, text.encode(), fragments(TEXT, *(bytes([byte]) for byte in text.encode()))
        )
        for name, text in GOOD_TEXTS.items()
    },
    "8.1 binary that is no UTF-8": returned(BINARY, b"\xff\xc0"),
    "8.1 binary that is no UTF-8, in fragments": returned(BINARY, b"\xff\xc0", fragments(BINARY, b"\xff", b"\xc0")),
    **{f"8.1 {name}": refused(BAD_PAYLOAD, frame(TEXT, b"ok " + text + b" ok")) for name, text in BAD_TEXTS.items()},
    **{
        f"8.1 {name}, in fragments": refused(BAD_PAYLOAD, fragments(TEXT, b"ok " + text[:1], text[1:] + b" ok"))
        for name, text in BAD_TEXTS.items()
    },
    **{
        f"8.1 {name}, and its message does not end": refused(BAD_PAYLOAD, frame(TEXT, b"ok " + text, final=False))
        for name, text in BAD_TEXTS.items()
    },
    **{
        f"8.1 {name}, and its frame does not end": refused(BAD_PAYLOAD, frame(TEXT, b"ok " + text + b"end")[:-3])
        for name, text in BAD_TEXTS.items()
    },
    "8.1 text that ends within a character": refused(BAD_PAYLOAD, frame(TEXT, b"\xe2\x82")),
    "8.1 text that ends within a character, in fragments": refused(BAD_PAYLOAD, fragments(TEXT, b"\xe2", b"\x82")),
    "8.1 bad text after a good one": refused(BAD_PAYLOAD, frame(TEXT, b"\xff"), GOOD),
}

CASES: dict[str, Case] = MASKING | FRAMING | FRAGMENTS | CONTROL_FRAMES | CLOSES | TEXTS


def large_cases() -> dict[str, Case]:
    """Return cases of a MiB, which take time to make, and of many frames."""
    text, size = "at most 1 MiB: ≤ ".encode(), 1 << 20
    text *= size // len(text)
    return {
        "5.2 text of a MiB": returned(TEXT, text),
        "5.2 binary of a MiB": returned(BINARY, bytes(range(256)) * (size // 256)),
        "5.4 text of a MiB in fragments of 1 KiB": returned(
            TEXT, text, fragments(TEXT, *(text[start : start + 1024] for start in range(0, len(text), 1024)))
        ),
        "5.4 binary in 10,000 fragments": returned(BINARY, b"x" * 10_000, fragments(BINARY, *[b"x"] * 10_000)),
        "5.5.2 1,000 pings in a row": answered(frame(PING, b"x") * 1000, *[Received(PONG, b"x")] * 1000),
    }
