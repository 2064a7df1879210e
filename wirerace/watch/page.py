"""The page: HTML, style and scripts in one file, which loads nothing from anywhere."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

FOLDER = Path(__file__).parent / "page"
SCRIPTS = (
    "measure",
    "client",
    "transports/*",
    "doubts",
    "words",
    "figures",
    "lane",
    "axis",
    "controls",
    "message",
    "freeze",
    "main",
)
"""The scripts, in the order in which they build on each other. They are one script in the page."""
STYLE, CONFIG, SCRIPT = "/* style */", "{/* config */}", "/* script */"
"""The places in index.html at which style, configuration and script are inserted."""


class PageFile(NamedTuple):
    """The page, and the policy that lets a browser run only what is in it and connect only where it should."""

    html: bytes
    policy: str


def script_of() -> str:
    """Return all scripts as one."""
    files = [path for name in SCRIPTS for path in sorted(FOLDER.glob(f"{name}.js"))]
    return "\n".join(path.read_text("utf-8") for path in files)


def page_of(config: Mapping[str, object], hosts: list[str]) -> PageFile:
    """Return the page with its configuration. It may connect to its own origin, and to these hosts and ports."""
    style, script = (FOLDER / "style.css").read_text("utf-8"), script_of()
    html = (FOLDER / "index.html").read_text("utf-8")
    encoded = msgspec.json.encode(config).decode().replace("<", "\\u003c")  # nothing in it ends the script element
    for place, text in ((STYLE, style), (CONFIG, encoded), (SCRIPT, script)):
        html = html.replace(place, text, 1)
    connect = " ".join(["'self'", *(f"{scheme}://{host}" for host in hosts for scheme in ("http", "ws"))])
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        f"connect-src {connect}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return PageFile(html.encode(), policy)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
