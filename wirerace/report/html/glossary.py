"""The words that a report uses. docs/glossary.md has more of them."""

GLOSSARY = (
    ("update", "One piece of data that the producer makes and that every client should receive."),
    ("delivery", "One update that has arrived at one client. 10 updates at 200 clients are 2,000 deliveries."),
    ("contestant", "One of the things that are compared: a transport with its options and its network path."),
    ("latency", "The time from the moment at which an update was due to its arrival at a client's kernel."),
    ("p99", "99 % of the deliveries took no longer."),
    (
        "age",
        "How old a client's newest update is, at any instant. It grows between updates, even when nothing is late.",
    ),
    ("reach", "Deliveries that came, divided by those that were expected. 100 % means that nothing was lost."),
    ("window", "The time over which a trial is measured. Before it, all clients are connected."),
    (
        "trial, repeat",
        "A trial is one contestant at one setting, run once. In a repeat, all contestants receive the same updates.",
    ),
    ("setting", "One point of a sweep: the experiment with some keys replaced."),
    (
        "interval (±)",
        "Where the mean would lie with 95 % confidence if the run had very many repeats. It needs three repeats.",
    ),
    ("not told apart", "The interval of the difference includes none at all, so nothing is claimed."),
    (
        "theory",
        "What the transport should do with the updates that were really made, computed without the measurement.",
    ),
    ("verdict", "Whether a trial is valid. It judges the measurement, not the transport."),
)
"""Each word with its meaning."""
