"""Faults that cannot be: the place that the error must begin with, and the facts of its cure."""

from tests.wirerace.experiment.files import LEAST

STALL = '[[faults]]\nkind = "stall"\non = "server"\n'
KILL = '[[faults]]\nkind = "kill"\non = "server"\n'
BAD_FAULTS = {
    "cut after the window": (
        LEAST + '[[faults]]\nkind = "cut"\non = "clients"\nat_seconds = 9\njitter_seconds = 2',
        "faults[0].at_seconds",
        ["cut", "11 s", "window.measure_seconds", "10"],
    ),
    "stall that ends after the window": (
        LEAST + STALL + "at_seconds = 9\nlasts_seconds = 1.4",
        "faults[0].at_seconds",
        ["stall", "10.4 s", "window.measure_seconds", "10"],
    ),
    "stall of a minute and more": (
        LEAST + STALL + "at_seconds = 1\nlasts_seconds = 61",
        "faults[0].lasts_seconds",
        ["a number", "at most 60.0", "61"],
    ),
    "stall of no time": (LEAST + STALL + "at_seconds = 1", "faults[0].lasts_seconds", ["above 0", "stall", "0"]),
    "kill that lasts": (
        LEAST + KILL + "at_seconds = 1\nlasts_seconds = 1",
        "faults[0].lasts_seconds",
        ["left out", "kill", "1"],
    ),
    "kill with jitter": (
        LEAST + KILL + "at_seconds = 1\njitter_seconds = 1",
        "faults[0].jitter_seconds",
        ["left out", "kill", "1"],
    ),
    "fault before the window": (
        LEAST + KILL + "at_seconds = -1",
        "faults[0].at_seconds",
        ["a number", "at least 0.0", "-1"],
    ),
    "fault of a kind there is not": (
        LEAST + '[[faults]]\nkind = "bend"\non = "server"\nat_seconds = 1',
        "faults[0].kind",
        ["kill, stall, cut", "'bend'"],
    ),
    "fault where there is none": (
        LEAST + '[[faults]]\nkind = "kill"\non = "clients"\nat_seconds = 1',
        "faults[0].on",
        ["server, producer, proxy", "kill", "clients"],
    ),
    "fault on a proxy that is not there": (
        LEAST + '[[faults]]\nkind = "kill"\non = "proxy"\nat_seconds = 1',
        "faults[0].on",
        ["proxy", "delay"],
    ),
    "stalls that overlap": (
        LEAST + (STALL + "at_seconds = 1\nlasts_seconds = 3\n") + (STALL + "at_seconds = 2\nlasts_seconds = 1\n"),
        "faults",
        ["server", "2 s", "4 s", "one stall"],
    ),
    "fault without a time": (LEAST + KILL, "at_seconds", ["missing", "faults[0]"]),
}
