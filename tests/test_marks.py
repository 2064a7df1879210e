"""Which tests `make quick` runs: those that start no process, and no other by accident."""

import os
import subprocess
from collections.abc import Callable

import pytest

TRUE = ["/bin/sh", "-c", "true"]


@pytest.mark.parametrize(
    "start",
    [
        lambda: subprocess.run(TRUE, check=True),
        lambda: os.posix_spawn(TRUE[0], TRUE, {}),
        lambda: os.system("true"),  # noqa: S605 -- the shell's own
    ],
    ids=["subprocess", "posix_spawn", "system"],
)
def test_test_without_the_mark_may_start_no_process(start: Callable[[], object]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"starts a process: mark it with @pytest\.mark\.processes"):
        start()


@pytest.mark.processes
def test_test_with_the_mark_may_start_processes() -> None:
    subprocess.run(TRUE, check=True)
