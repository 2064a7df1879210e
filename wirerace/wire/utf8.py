"""UTF-8 that comes in parts: what cannot become UTF-8 any more is refused at that byte."""

import codecs


class Utf8:
    """Checks one text after the other (RFC 3629). A part may end inside a character."""

    __slots__ = ("_unfinished",)

    def __init__(self) -> None:
        self._unfinished = b""

    def takes(self, part: bytes, *, is_last: bool) -> bool:
        """Return whether the text so far is the beginning of UTF-8; with its last part, whether it is UTF-8.

        After False the checker cannot be used any more.
        """
        text = self._unfinished + part
        try:
            _, used = codecs.utf_8_decode(text, "strict", is_last)
        except UnicodeDecodeError:
            return False
        self._unfinished = text[used:]
        # Two bytes are enough to know a surrogate, but Python waits for the third one.
        return not (self._unfinished[:1] == b"\xed" and self._unfinished[1:] >= b"\xa0")
