"""What `wirerace check` prints: a line for each promise, the failures explained, and a count."""

import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from wirerace.checking.promise import Promise
from wirerace.checking.verdicts import PromiseFinding, Verdict

MARKS: dict[Verdict, str] = {"pass": "PASS", "fail": "FAIL", "not offered": "not offered", "not checked": "not checked"}
COUNTED: dict[Verdict, str] = {
    "pass": "kept",
    "fail": "not kept",
    "not offered": "not offered",
    "not checked": "not checked",
}
COLUMNS = 100
CONTRACT = "docs/contract.md"


def line_of(finding: PromiseFinding, said: str = "") -> str:
    """Return the line of one promise, and a reason below it that was not said already."""
    line = f"{MARKS[finding.verdict]:<12} {finding.id:<19} {finding.promise}"
    if finding.why in {"", said}:
        return line
    return f"{line}\n{'':12} {'':<19} {finding.why}"


def explained(finding: PromiseFinding) -> str:
    """Return what failed, in a paragraph: what was expected, what came, its first bytes, and where it is promised."""
    lines = [f"{finding.id}: {finding.promise}", *_field("expected", finding.expected), *_field("came", finding.came)]
    if finding.first_bytes:
        lines.append(f"  first bytes  {finding.first_bytes}")
    heading, _, part = finding.section.partition(": ")
    where = f"{CONTRACT}, \u201c{heading}\u201d" + (f", \u201c{part.rstrip('.')}\u201d" if part else "")
    return "\n".join([*lines, f"  promised in  {where}"])


def _field(name: str, text: str) -> list[str]:
    lines = textwrap.wrap(text, COLUMNS, break_long_words=False, break_on_hyphens=False)
    return [f"  {name if not place else '':<12} {line}" for place, line in enumerate(lines)]


def count_of(findings: Sequence[PromiseFinding], title: str) -> str:
    """Return the last sentence."""
    counts = Counter(finding.verdict for finding in findings)
    named = [f"{counts[verdict]} {words}" for verdict, words in COUNTED.items() if counts[verdict] or verdict == "pass"]
    noun = "promise" if len(findings) == 1 else "promises"
    return f"{len(findings)} {noun} of {title}: {', '.join(named)}."


def json_of(findings: Sequence[PromiseFinding], url: str, transport: str, seconds: float) -> bytes:
    """Return all findings as JSON."""
    counts = Counter(finding.verdict for finding in findings)
    result = {
        "url": url,
        "transport": transport,
        "seconds": round(seconds, 3),
        "counts": {verdict: counts[verdict] for verdict in MARKS},
        "promises": [msgspec.structs.asdict(finding) for finding in findings],
    }
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def print_list(promises: Iterable[Promise]) -> None:
    """Print each promise, with what it needs."""
    for promise in promises:
        needs = ", ".join(sorted(promise.needs) + (["optional"] if promise.optional else []))
        sys.stdout.write(f"{promise.id:<19} {promise.sentence}{f' ({needs})' if needs else ''}\n")


def print_ending(findings: Sequence[PromiseFinding], title: str) -> None:
    """Print the failures and the count."""
    for finding in findings:
        if finding.verdict == "fail":
            sys.stdout.write(f"\n{explained(finding)}\n")
    sys.stdout.write(f"\n{count_of(findings, title)}\n")
