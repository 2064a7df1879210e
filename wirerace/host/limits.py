"""What the system allows: open files, ports, waiting connections; how it keeps time and saves power."""

import platform
import sys
from pathlib import Path

PROC = Path("/proc")
DEVICES = Path("/sys/devices/system")
NS = 1e-9
MODEL_NAMES = {"model name", "Model", "cpu model"}
"""Keys in /proc/cpuinfo: on x86, on many ARM boards, on MIPS."""
TIME_WAIT_SECONDS = 60.0  # fixed in Linux
REUSE_SECONDS = 1.0  # tcp_tw_reuse
REUSE, REUSE_ON_LOOPBACK = 1, 2
UNLIMITED = 2**62  # RLIM_INFINITY is -1 or 2⁶³ − 1


def open_files() -> tuple[int | None, int | None]:
    """Return the soft and the hard limit on open files of this process; None if there is none, or it is unknown."""
    if sys.platform == "win32":
        return None, None
    import resource  # noqa: PLC0415 -- there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _finite(soft), _finite(hard)


def ephemeral_ports() -> range | None:
    """Return the ports that outgoing connections get."""
    text = _text(PROC / "sys/net/ipv4/ip_local_port_range")
    if text is None:
        return None
    first, last = map(int, text.split())
    return range(first, last + 1)


def port_reuse_seconds() -> float | None:
    """Return how long a port on loopback stays unused (TIME_WAIT) when the connecting side has closed first.

    With time stamps, and if tcp_tw_reuse allows it, Linux gives the port to the next connection to the same server
    after a second; otherwise after a minute.
    """
    reuse, stamps = (_number(PROC / "sys/net/ipv4" / name) for name in ("tcp_tw_reuse", "tcp_timestamps"))
    if reuse is None:
        return None
    return REUSE_SECONDS if reuse in {REUSE, REUSE_ON_LOOPBACK} and stamps else TIME_WAIT_SECONDS


def listen_backlog() -> int | None:
    """Return how many connections may wait until a server accepts them."""
    return _number(PROC / "sys/net/core/somaxconn")


def cpu_governor(core: int) -> str | None:
    """Return the governor, which sets the clock rate of a core."""
    return _text(DEVICES / f"cpu/cpu{core}/cpufreq/scaling_governor")


def cpu_model() -> str | None:
    """Return the processor's name."""
    names = (line.partition(":") for line in (_text(PROC / "cpuinfo") or "").splitlines())
    models = (value.strip() for name, _, value in names if name.strip() in MODEL_NAMES)
    return next((model for model in models if model), None) or platform.processor() or None


def clock_source() -> str | None:
    """Return the kernel's clock source."""
    return _text(DEVICES / "clocksource/clocksource0/current_clocksource")


def timer_slack_seconds() -> float | None:
    """Return by how much the kernel may delay this process's wake-up, in order to wake several processes at once."""
    slack_ns = _number(PROC / "self/timerslack_ns")
    return None if slack_ns is None else slack_ns * NS


def _finite(limit: int) -> int | None:
    return limit if 0 <= limit < UNLIMITED else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return None if text is None else int(text)
