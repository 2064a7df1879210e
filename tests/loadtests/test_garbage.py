"""The garbage collector of a load process: what is there when the window is set is left alone."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

PROGRAM = """
import gc
from loadtests import garbage
from loadtests.alone import Alone
from locust.env import Environment
from loadtests.load import LOADS
from wirerace.observe.account import Window

class Load:
    def set_window(self, window, share):
        pass

environment = Environment()
LOADS[environment] = Load()
garbage.collect_rarely()
before = gc.get_freeze_count()
Alone(environment).set_window(Window(1, 2))
print(before, gc.get_freeze_count() > 10_000, gc.get_threshold() == garbage.THRESHOLDS)
"""


def test_window_freezes_what_is_there_and_the_collector_looks_rarely() -> None:
    """In a process of its own, because it would change the collector of the tests."""
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert "0 True True" == finished.stdout.strip()


TWO_TESTS = """
import gc, weakref
from loadtests import garbage

class Client:
    def __init__(self):
        self.itself = self  # as clients and their environment refer to each other

garbage.collect_rarely()
client = weakref.ref(Client())
garbage.settle()
gc.collect()
is_left = client() is not None
garbage.collect_rarely()
print(is_left, client() is None, gc.get_freeze_count())
"""


def test_clients_of_the_last_test_are_collected_when_the_next_one_begins() -> None:
    """A worker of the stack runs one test after the other: what is left out for ever would fill its memory."""
    finished = subprocess.run([sys.executable, "-c", TWO_TESTS], capture_output=True, text=True, check=True)
    assert "True True 0" == finished.stdout.strip()
