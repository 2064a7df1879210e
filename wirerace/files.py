"""Files that people give: read whole, with errors that name the file and the cure."""

import codecs
from pathlib import Path

from wirerace.errors import BadInput

MOST_FILE_BYTES = 256 * 1024 * 1024
"""More than any file that is read whole. A trace has at most a million events, and its size is limited elsewhere."""

_OTHER_TEXT = {  # UTF-32 first: its mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16",
}  # fmt: skip
_PACKED = {
    b"\x1f\x8b": "gzip", b"PK\x03\x04": "ZIP", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip


def read_file(path: Path, cure: str) -> bytes:
    """Return a file's content, without the byte order mark of UTF-8.

    Raises BadInput with the file and `cure` when the file cannot be read. Raises it also for text in another encoding,
    and for packed files.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {reason_of(error)}; {cure}") from None
    if len(content) > MOST_FILE_BYTES:
        raise BadInput(f"{path}: over {MOST_FILE_BYTES} bytes; cut it")
    for mark, name in _OTHER_TEXT.items():
        if content.startswith(mark):
            raise BadInput(f"{path}: {name}, as its byte order mark says; save it as UTF-8")
    for mark, name in _PACKED.items():
        if content.startswith(mark):
            raise BadInput(f"{path}: packed with {name}; unpack it")
    return content.removeprefix(codecs.BOM_UTF8)


def read_text(path: Path, cure: str) -> str:
    """Return the text in a file.

    Raises BadInput, naming file, line and cure.
    """
    content = read_file(path, cure)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}:{_line_of(content, error.start)}: not UTF-8; save the file as UTF-8") from None
    nul = content.find(b"\0")
    if nul >= 0:
        raise BadInput(f"{path}:{_line_of(content, nul)}: a NUL byte, so this is no text; save the file as UTF-8")
    return text


def _line_of(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def reason_of(error: Exception) -> str:
    """Return why a file is not available. Python raises ValueError for a name that no file can have."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
