"""Shared by all tests: the services' event loop, an unpatched Locust, and which tests may start processes or skip."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop
from hypothesis import HealthCheck, settings

# Locust patches the standard library for gevent when it is imported, and asyncio would hang in what is patched. It must
# not patch it here, but it must in the processes that tests start.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]

for name, inputs in {"few": 20, "thorough": 100}.items():
    settings.register_profile(
        name,
        max_examples=inputs,
        deadline=None,  # a busy machine is no failure
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("few")  # --hypothesis-profile=thorough asks for more

STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.spawn", "os.system"}
"""The interpreter's name for the start of a process (docs.python.org/3/library/audit_events.html)."""
MAY_START = {"processes", "stack", "grafana", "browser", "kubernetes"}
_running: list[pytest.Item] = []
"""The running test."""


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="fail when a test was skipped: here every tool is there")


def pytest_configure() -> None:
    sys.addaudithook(_refuse_processes)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _running.append(item)
    try:
        return (yield)
    finally:
        _running.remove(item)


def _refuse_processes(event: str, _arguments: object) -> None:
    """Fail a test that starts a process without being marked: `make quick` would run it."""
    if event in STARTS and _running and MAY_START.isdisjoint(mark.name for mark in _running[-1].iter_markers()):
        pytest.fail(f"{_running[-1].nodeid} starts a process: mark it with @pytest.mark.processes")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not session.config.getoption("--no-skips"):
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped:
        reporter.write_line(f"--no-skips: {len(skipped)} tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
