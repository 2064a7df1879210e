"""nginx: buffers answers at its defaults, and speaks HTTP/1.0 to the server."""

import os
from collections.abc import Mapping
from pathlib import Path

from wirerace.errors import BadInput
from wirerace.runner.network.reverse.program import Program, Route

LEAST_CONNECTIONS = 768  # worker_connections in Debian's nginx.conf
SPARE_CONNECTIONS = 64
BROTLI = "ngx_http_brotli_filter_module.so"
MODULES = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/usr/share/nginx/modules"))
"""Where packages put them, Debian's first."""


def values(route: Route) -> Mapping[str, str]:
    """Return the connections that it needs, the user of its workers if it has to change it, and a module."""
    is_root = not route.is_contained and hasattr(os, "geteuid") and os.geteuid() == 0
    module = MODULES[0] / BROTLI if route.is_contained else None
    return {
        "connections": str(max(LEAST_CONNECTIONS, 2 * route.clients + SPARE_CONNECTIONS)),
        "user": "root" if is_root else "",
        "module": str(module or brotli_module()) if route.path.compression == "br" else "",
    }


def brotli_module(places: tuple[Path, ...] = MODULES) -> Path:
    """Return the module that compresses with Brotli.

    Raises BadInput when it is not installed.
    """
    found = next((place / BROTLI for place in places if (place / BROTLI).exists()), None)
    if found is None:
        raise BadInput(
            'compression = "br" needs nginx\'s module for Brotli: apt install libnginx-mod-http-brotli-filter'
        )
    return found


PROGRAM = Program(
    name="nginx",
    package="nginx",
    ending="conf",
    start=("-e", "stderr", "-p", "{directory}", "-c", "{file}"),
    check=("-t", "-q", "-e", "stderr", "-p", "{directory}", "-c", "{file}"),
    version=("-v",),
    values=values,
)
