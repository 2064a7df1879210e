"""File descriptors: a service that runs out of them says so once, and recovers."""

import socket

import pytest

from tests.contract.processes import ServiceProcess
from tests.contract.stage import until

pytestmark = pytest.mark.processes

LIMIT = 40


@pytest.mark.parametrize(
    ("service", "arguments", "status"),
    [("producer", ["--idle", "true"], 200), ("longpolling", ["--producer-url", "http://127.0.0.1:1"], 503)],
    ids=["producer", "longpolling"],
)
async def test_service_without_file_descriptors_says_so_once_and_recovers(
    service: str, arguments: list[str], status: int
) -> None:
    process = await ServiceProcess.start(service, *arguments, under=("prlimit", f"--nofile={LIMIT}"))

    async def says_that_none_are_left() -> bool:
        return f"of {LIMIT} file descriptors are left" in process.log

    async def says_that_some_are_left() -> bool:
        return "there are file descriptors again" in process.log

    try:
        connections = [socket.create_connection(("127.0.0.1", process.port), 20) for _ in range(LIMIT + 20)]
        await until(says_that_none_are_left, "it says that it has none left")
        assert b"" == connections[-1].recv(1), "those beyond the limit are shed, not left waiting"
        for connection in connections:
            connection.close()
        await until(says_that_some_are_left, "it says that it has some again")
        await process.until_health(status)
        assert 1 == process.log.count("clients are turned away; raise ulimit -n")
        assert 0 == await process.end()
        assert "Traceback" not in process.log
    finally:
        process.close()
