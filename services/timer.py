"""A timer that is finer than the event loop's, which rounds to a millisecond."""

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Protocol

from wirerace.clock import NS_PER_SECOND, now_ns

_TFD_TIMER_ABSTIME = 1
NS_PER_MILLISECOND = 1_000_000


class Timer(Protocol):
    """Calls one function at one instant of wall time; arming it again replaces the instant."""

    def arm(self, at_ns: int) -> None:
        """Fire at `at_ns`, Unix time in nanoseconds; at once when that is past."""

    def disarm(self) -> None:
        """Do not fire until it is armed again."""

    def close(self) -> None:
        """Never fire again."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerFd:
    """Linux's timerfd on the wall clock, read by the event loop: a high-resolution timer, in nanoseconds."""

    def __init__(self, on_time: Callable[[], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(time.CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._on_time = on_time
        self._when = _Itimerspec()  # kept, because the timer is set for each update
        self._value = self._when.value
        asyncio.get_running_loop().add_reader(self._fd, self._fire)

    def arm(self, at_ns: int) -> None:
        """Fire at `at_ns`."""
        self._set(max(at_ns, 1))

    def disarm(self) -> None:
        """Do not fire."""
        self._set(0)

    def _set(self, at_ns: int) -> None:
        """Set the instant, in nanoseconds; 0 disarms it."""
        self._value.seconds, self._value.nanoseconds = divmod(at_ns, NS_PER_SECOND)
        if self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(self._when), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def close(self) -> None:
        """Close the descriptor."""
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)

    def _fire(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:  # It was armed again between firing and being read.
            return
        self._on_time()


class LoopTimer:
    """The event loop's own timer, for platforms without timerfd; up to a millisecond late, which is recorded."""

    def __init__(self, on_time: Callable[[], None]) -> None:
        self._on_time = on_time
        self._at_ns = 0
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, at_ns: int) -> None:
        """Fire at `at_ns`."""
        self.disarm()
        self._at_ns = at_ns
        # Rounded up, because loops that round to a millisecond would fire early, again and again.
        delay_ms = -(-max(0, at_ns - now_ns()) // NS_PER_MILLISECOND)
        self._handle = asyncio.get_running_loop().call_later(delay_ms / 1000, self._fire)

    def disarm(self) -> None:
        """Do not fire."""
        if self._handle is not None:
            self._handle.cancel()

    def close(self) -> None:
        """Cancel it."""
        self.disarm()

    def _fire(self) -> None:
        if now_ns() < self._at_ns:
            self.arm(self._at_ns)
        else:
            self._on_time()


def new_timer(on_time: Callable[[], None]) -> Timer:
    """Return the finest timer that the platform has."""
    return TimerFd(on_time) if sys.platform == "linux" else LoopTimer(on_time)
