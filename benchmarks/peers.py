"""The servers that are compared: ours with their producer, the plain ones, nginx."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.stage import Bench, BenchProcess, free_port, python
from wirerace.runner.peer import Peer
from wirerace.wire.update import CURSOR_HEADER, Update, encode_update, join_batch
from wirerace.workload.schedule import Schedule

PAYLOAD_BYTES = 100
UPDATE = encode_update(Update("a1b2c3d4", 1000, 1_790_000_000_123_456_789, "a" * PAYLOAD_BYTES))
"""An update as large as those that the servers make."""
CURSOR = "a1b2c3d4-1000"
NCHAN_PLACES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/libexec/nginx", "/usr/local/libexec/nginx")

_NGINX = """\
{load}
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    default_type application/json;
    add_header {cursor_header} {cursor};
    location = /poll {{ return 200 '{batch}'; }}
    location = /empty {{ return 204; }}
{nchan}
  }}
}}
"""
_NCHAN = f"""\
    nchan_channel_id updates;
    nchan_subscriber_first_message newest;
    location = /publish {{ nchan_publisher; nchan_message_buffer_length 100; }}
    location = /ws {{ nchan_subscriber websocket; }}
    location = /sse {{ nchan_subscriber eventsource; }}
    location = /longpoll {{
      nchan_subscriber longpoll;
      nchan_subscriber_last_message_id $arg_after;
      add_header {CURSOR_HEADER} $nchan_message_id;
    }}
"""


class Server(NamedTuple):
    """A server, and its port."""

    child: BenchProcess
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


class Ours(NamedTuple):
    """One of our servers, the producer that it follows, and that producer's process."""

    server: Server
    producer: Peer
    maker: BenchProcess

    @contextmanager
    def fed(self, rate_per_second: float) -> Iterator[Schedule]:
        """Set a schedule with a fixed rate, whose first update is made at once."""
        schedule = Schedule(rate_per_second=rate_per_second, arrivals="periodic", payload_bytes=PAYLOAD_BYTES)
        try:
            yield self.producer.send("PUT", "/schedule", schedule, Schedule)
        finally:
            self.producer.delete("/schedule")


def start_ours(stage: Bench, transport: str, cores: Collection[int], *options: str) -> Ours:
    """Start one of our servers on `cores`, and an idle producer beside the load."""
    producer = Peer("producer", free_port())
    command = python("services", "producer", "--port", producer.port, "--idle", "true")
    maker = stage.serve("producer", command, producer.port, stage.cores.others)
    port = free_port()
    command = python("services", transport, "--port", port, "--producer-url", producer.url, *options)
    server = Server(stage.serve(transport, command, port, cores), port)
    stage.wait_until(Peer(transport, port).is_up, server.child)
    return Ours(server, producer, maker)


@contextmanager
def ours_for_once(stage: Bench, transport: str, cores: Collection[int]) -> Iterator[Ours]:
    """Start one of our servers and its producer, and end them afterwards."""
    ours = start_ours(stage, transport, cores)
    try:
        yield ours
    finally:
        ours.server.child.end()
        ours.maker.end()


def start_plain(stage: Bench, rate_per_second: float) -> Server:
    """Start the plain server, which makes its own updates."""
    port = free_port()
    command = python("benchmarks.plain", port, rate_per_second, PAYLOAD_BYTES)
    return Server(stage.serve("plain", command, port, stage.cores.tested), port)


def start_nginx(stage: Bench, cores: Collection[int], *, nchan: bool = False) -> Server | None:
    """Start nginx, in one process; return None, and note why, if it is not available."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    module = next((path for place in NCHAN_PLACES if (path := Path(place, "ngx_nchan_module.so")).exists()), None)
    if program is None or (nchan and module is None):
        stage.notes.append(f"left out: {'nchan' if nchan else 'nginx'}, which is not installed")
        return None
    port = free_port()
    configuration = _NGINX.format(
        load=f"load_module {module};" if nchan else "",
        directory=stage.directory,
        port=port,
        cursor_header=CURSOR_HEADER,
        cursor=CURSOR,
        batch=join_batch([UPDATE]).decode(),
        nchan=_NCHAN if nchan else "",
    )
    file = stage.directory / "nginx.conf"
    file.write_text(configuration)
    command = [program, "-c", str(file), "-p", str(stage.directory)]
    return Server(stage.serve("nginx", command, port, cores), port)
