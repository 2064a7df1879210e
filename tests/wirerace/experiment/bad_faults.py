"""Faults that cannot be: the place that the error must begin with, and the facts of its cure."""

from tests.wirerace.experiment.files import LEAST

STALL = '[[faults]]\nkind = "stall"\non = "server"\n'
KILL = '[[faults]]\nkind = "kill"\non = "server"\n'
CUT = '[[faults]]\nkind = "cut"\non = "clients"\n'
DROP = '[[faults]]\nkind = "drop"\non = "feed"\n'
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
        ["kill, restart, stall, cut, drop, fill", "'bend'"],
    ),
    "fault where there is none": (
        LEAST + '[[faults]]\nkind = "kill"\non = "clients"\nat_seconds = 1',
        "faults[0].on",
        ["server, producer, broker, proxy", "kill", "clients"],
    ),
    "fault on a broker that is not there": (
        LEAST + '[[faults]]\nkind = "kill"\non = "broker"\nat_seconds = 1',
        "faults[0].on",
        ["no broker", 'servers.feed = "nats"'],
    ),
    "fault on a proxy that is not there": (
        LEAST + '[[faults]]\nkind = "kill"\non = "proxy"\nat_seconds = 1',
        "faults[0].on",
        ["proxy", "delay"],
    ),
    "stalls that overlap": (
        LEAST + (STALL + "at_seconds = 1\nlasts_seconds = 3\n") + (STALL + "at_seconds = 2\nlasts_seconds = 1\n"),
        "faults[1].at_seconds",
        ["stall of the server", "2 s", "stall of the server", "1 s", "4 s", "move"],
    ),
    "stall of a part that is being started again": (
        LEAST + (STALL + "at_seconds = 2.5\nlasts_seconds = 1\n") + (KILL + "at_seconds = 1\n"),
        "faults[0].at_seconds",
        ["stall of the server", "2.5 s", "kill of the server", "1 s", "3 s", "move"],
    ),
    "two cuts at once": (
        LEAST + 2 * (CUT + "at_seconds = 1\n"),
        "faults[1].at_seconds",
        ["cut of the clients", "cut of the clients", "move"],
    ),
    "drop while the producer is away": (
        LEAST + KILL.replace("server", "producer") + "at_seconds = 1\n" + DROP + "at_seconds = 2\n",
        "faults[1].at_seconds",
        ["drop of the feed", "2 s", "kill of the producer", "1 s", "3 s"],
    ),
    "restart of a producer whose record has a hole": (
        LEAST
        + ('[[faults]]\nkind = "fill"\non = "producer"\nat_seconds = 1\nlasts_seconds = 1\n')
        + ('[[faults]]\nkind = "restart"\non = "producer"\nat_seconds = 5\n'),
        "faults[1].at_seconds",
        ["restart of the producer", "fill", "lost", "before the fill"],
    ),
    "clock": (
        LEAST + '[[faults]]\nkind = "clock"\non = "server"\nat_seconds = 1\nby_seconds = 60',
        "faults[0].kind",
        ["a clock cannot be set", "kernel clock", "machine of its own", "stall"],
    ),
    "fill of no time": (
        LEAST + '[[faults]]\nkind = "fill"\non = "producer"\nat_seconds = 1',
        "faults[0].lasts_seconds",
        ["above 0", "fill", "0"],
    ),
    "fill of a server, which keeps no record": (
        LEAST + '[[faults]]\nkind = "fill"\non = "server"\nat_seconds = 1\nlasts_seconds = 1',
        "faults[0].on",
        ["producer", "fill", "server"],
    ),
    "restart that lasts": (
        LEAST + KILL.replace("kill", "restart") + "at_seconds = 1\nlasts_seconds = 1",
        "faults[0].lasts_seconds",
        ["left out", "restart", "1"],
    ),
    "drop with jitter": (
        LEAST + DROP + "at_seconds = 1\njitter_seconds = 1",
        "faults[0].jitter_seconds",
        ["left out", "drop", "1"],
    ),
    "drop of a server": (
        LEAST + DROP.replace("feed", "server") + "at_seconds = 1",
        "faults[0].on",
        ["feed", "drop", "server"],
    ),
    "drop that ends after the window": (
        LEAST + DROP + "at_seconds = 9\nlasts_seconds = 2",
        "faults[0].at_seconds",
        ["drop", "11 s", "window.measure_seconds", "10"],
    ),
    "cut at the proxy with jitter": (
        LEAST + CUT.replace("clients", "proxy") + "at_seconds = 1\njitter_seconds = 1",
        "faults[0].jitter_seconds",
        ["left out", "cut on the proxy", "1"],
    ),
    "cut at a proxy that is not there": (
        LEAST + CUT.replace("clients", "proxy") + "at_seconds = 1",
        "faults[0].on",
        ["proxy", "delay"],
    ),
    "bound without a fault": (
        LEAST + "[availability]\nage_seconds = 2",
        "availability.age_seconds",
        ["with faults only", "leave it out"],
    ),
    "bound below what is noted": (
        LEAST + CUT + "at_seconds = 1\n[availability]\nage_seconds = 0.05",
        "availability.age_seconds",
        ["at least 0.1", "0.05"],
    ),
    "key that no bound has": (
        LEAST + CUT + "at_seconds = 1\n[availability]\nlatency_seconds = 1",
        "latency_seconds is no key of [availability]",
        ["age_seconds"],
    ),
    "fault without a time": (LEAST + KILL, "at_seconds", ["missing", "faults[0]"]),
}
