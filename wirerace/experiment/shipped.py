"""Shipped servers: other people's servers that Wirerace can start, each a folder of `wirerace/runner/shipped`."""

import functools
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

import wirerace
from wirerace.decoding import convert
from wirerace.wire.dialect import Dialect

Publisher = Literal["none", "nchan", "mercure", "post"]
SHIPPED = Path(wirerace.__file__).parent / "runner" / "shipped"
ABOUT = "server.toml"


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that has to be installed: a program, one of several files, a Python module or a package of Node.js.

    What is found is a placeholder, `name`, of the command and of the configuration. `cure` says how to install it.
    """

    name: str
    cure: str
    program: str = ""
    files: list[str] = []
    module: str = ""
    node: str = ""


class ShippedServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `server.toml` of a shipped server. `paths` has the path of each transport that it offers.

    `about` says who configured it, and how. The placeholders `{port}`, `{publish_port}`, `{python}`, `{here}` and those
    of its needs stand in the command; `{configuration}` is a copy of that file in which `@port@` and the like are
    filled in.
    """

    about: str
    command: str
    paths: dict[str, str]
    needs: list[Requirement] = []
    dialect: Dialect = "bare"
    publisher: Publisher = "post"
    publish_url: str = "http://127.0.0.1:{port}/publish"
    configuration: str = ""


def folder_of(name: str) -> Path:
    """Return the folder of a shipped server."""
    return SHIPPED / name.replace("-", "_")


@functools.cache
def shipped_servers() -> dict[str, ShippedServer]:
    """Return the shipped servers by name."""
    files = sorted(SHIPPED.glob(f"*/{ABOUT}"))
    return {
        file.parent.name.replace("_", "-"): convert(tomllib.loads(file.read_text("utf-8")), ShippedServer, str(file))
        for file in files
    }
