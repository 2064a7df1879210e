"""What kubectl does inside a pod: exec is the engine's, and a forwarded port is a connection to the pod's address."""

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

from tests.stack.cluster.tunnel import READ_BYTES, SpdyStream, Tunnel

EXEC_PROTOCOL, FORWARD_PROTOCOL = "v4.channel.k8s.io", "portforward.k8s.io"
PATIENCE_SECONDS = 10.0


def execute(connection: socket.socket, container: str, command: Sequence[str], wanted: set[str]) -> None:
    """Run a command in a container, with the streams that the client wants besides that of the error.

    As on a real node, the command continues when its client is gone; its input has ended then.
    """
    tunnel, streams = Tunnel(connection), dict[str, SpdyStream]()

    def opened(stream: SpdyStream) -> None:
        streams[stream.headers["streamtype"]] = stream
        if streams.keys() == {"error", *wanted}:
            _start(streams, container, command)

    tunnel.serve(opened)


def _start(streams: dict[str, SpdyStream], container: str, command: Sequence[str]) -> None:
    talks = ["--interactive"] if "stdin" in streams else []
    running = subprocess.Popen(
        ["docker", "exec", *talks, container, *command],
        stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    if running.stdin is not None:
        streams["stdin"].receiver = _into(running.stdin)
    pumps = [_pump(pipe, streams.get(name)) for name, pipe in (("stdout", running.stdout), ("stderr", running.stderr))]

    def finish() -> None:
        for pump in pumps:
            pump.join()
        status = json.dumps(_status(running.wait())).encode()
        with suppress(OSError):
            for name in ("stdout", "stderr"):
                if name in streams:
                    streams[name].send(b"", is_last=True)
            streams["error"].send(status, is_last=True)

    threading.Thread(target=finish, daemon=True).start()


def _into(pipe: IO[bytes]) -> Callable[[bytes, bool], None]:
    def receive(data: bytes, is_last: bool) -> None:
        with suppress(OSError):  # the command has ended
            pipe.write(data)
            if is_last:
                pipe.close()

    return receive


def _pump(pipe: IO[bytes] | None, stream: SpdyStream | None) -> threading.Thread:
    """Send what a command writes. Without a client it is read, too: the command must not wait for it."""

    def run() -> None:
        assert pipe is not None
        is_there = stream is not None
        with pipe:
            while data := pipe.read(READ_BYTES):
                if stream is not None and is_there:
                    try:
                        stream.send(data)
                    except OSError:
                        is_there = False

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _status(code: int) -> dict[str, object]:
    if not code:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def forward(connection: socket.socket, address: str, pod: str) -> None:
    """Forward connections to ports of a pod. Each has a stream for its data, and one for an error."""
    tunnel, errors = Tunnel(connection), dict[str, SpdyStream]()

    def opened(stream: SpdyStream) -> None:
        request, port = stream.headers["requestid"], int(stream.headers["port"])
        if stream.headers["streamtype"] == "error":
            errors[request] = stream
            return
        error = errors.pop(request)
        try:
            inside = socket.create_connection((address, port), PATIENCE_SECONDS)
        except OSError as refused:
            with suppress(OSError):
                error.send(f"error forwarding port {port} to pod {pod}: {refused}".encode(), is_last=True)
                stream.send(b"", is_last=True)
            return
        inside.settimeout(None)
        stream.receiver = _to(inside)
        threading.Thread(target=_from, args=(inside, stream, error), daemon=True).start()

    tunnel.serve(opened)


def _to(inside: socket.socket) -> Callable[[bytes, bool], None]:
    def receive(data: bytes, is_last: bool) -> None:
        with suppress(OSError):
            inside.sendall(data)
            if is_last:
                inside.shutdown(socket.SHUT_WR)

    return receive


def _from(inside: socket.socket, stream: SpdyStream, error: SpdyStream) -> None:
    """Send what comes from a pod until it ends."""
    with inside, suppress(OSError):
        try:
            while data := inside.recv(READ_BYTES):
                stream.send(data)
        except ConnectionError:
            pass  # the container has ended
        stream.send(b"", is_last=True)
        error.send(b"", is_last=True)
