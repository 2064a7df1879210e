"""Calibrate: a contestant against itself, many times. How often does an interval find a difference that does not exist?

It also prints how often a trial is invalid, and why. On a quiet machine:

    make calibrate                                # 25 repeats of each transport and its double, about half an hour
    make calibrate ARGS="--repeats 100"
    make calibrate ARGS="--read results/calibrate-20261123T101500Z"
"""

import argparse
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from wirerace.analysis.aggregate import CONFIDENCE, compared_in_pairs, confidence_of, summarise
from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import PRIMARY
from wirerace.errors import WireraceError
from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.experiment.settings import alone
from wirerace.record.reading import read_result
from wirerace.record.result import Interval, Result
from wirerace.record.trial import Trial
from wirerace.report.progress import progress_display
from wirerace.runner.directory import claimed
from wirerace.runner.run import begun, run
from wirerace.transports import TRANSPORTS
from wirerace.transports.polling import PollingOptions
from wirerace.workload.schedule import Source

REPEATS = 25
EACH = 5
"""Repeats of one experiment, as in five-repeats.toml: the question is how often such an experiment errs."""
DRAWS = 4_000
AGAIN = "again"
OTHERS = 2
"""Contestants besides the first in an experiment with three. The correction is for that number."""

NUMBER = re.compile(r"\d[\d.]*")
Pairs = Sequence[tuple[float, float]]


def experiment_of(repeats: int, clients: int) -> Experiment:
    """Return short trials of every transport, each beside itself."""
    return Experiment(
        title="A contestant against itself",
        transports=list(TRANSPORTS),
        repeats=repeats,
        producer=Source(rate_per_second=20.0),
        clients=Clients(count=clients, spawn_per_second=500),
        options={"polling": PollingOptions(interval_seconds=0.2)},
        contestants=[ContestantTable(id=f"{name}-{AGAIN}", transport=name) for name in TRANSPORTS],
        window=WindowOptions(warmup_seconds=0.5, measure_seconds=2.0),
    )


def main() -> int:
    """Measure, or read an earlier measurement, and print its summary; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=REPEATS, help="how many times each is measured")
    parser.add_argument("--clients", type=int, default=100, help="clients of each trial")
    parser.add_argument("--out", type=Path, help="directory of the run; default: results/calibrate-TIME")
    parser.add_argument("--read", type=Path, metavar="RUN", help="measure nothing, read an earlier run")
    parser.add_argument("--all", action="store_true", help="compare invalid trials, too")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = read_result(given.read) if given.read else measured(given)
    except WireraceError as error:
        sys.stderr.write(f"calibrate: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    sys.stdout.write("\n".join([*verdicts_of(result), "", *comparisons_of(result, valid_only=not given.all)]) + "\n")
    return 0


def measured(given: argparse.Namespace) -> Result:
    """Run every trial."""
    with claimed("calibrate", given.out) as directory, progress_display() as on_progress:
        study = alone(experiment_of(given.repeats, given.clients))
        result = run(study, directory, on_progress, begun(study, "local"))
        summarise(result)
        directory.save(result)
    sys.stdout.write(f"{directory.result_file}\n")
    return result


def verdicts_of(result: Result) -> Iterator[str]:
    """Yield how many trials were invalid or doubtful, and for which reasons."""
    trials = result.trials
    invalid = sum(not trial.is_valid for trial in trials)
    yield f"{len(trials)} trials, {len(result.failures)} more not completed"
    yield f"called invalid: {share(invalid, len(trials))}"
    for weight, name in (("reason", "invalid"), ("doubt", "in doubt")):
        found = Counter(
            NUMBER.sub("#", finding.what)
            for trial in trials
            for finding in (trial.verdict.findings if trial.verdict else [])
            if finding.weight == weight
        )
        for what, count in found.most_common():
            yield f"  {name}: {share(count, len(trials))}: {what}"


class Finds(NamedTuple):
    """Pairs of one figure of one transport: how often experiments of five find a difference, at two levels."""

    pairs: int
    bias: Interval
    groups: int
    wrong: int
    resampled: float
    corrected: float


def comparisons_of(result: Result, *, valid_only: bool) -> Iterator[str]:
    """Yield, for each transport and primary figure, how often an interval excludes equality."""
    each, corrected = 100 * (1 - CONFIDENCE), 100 * (1 - confidence_of(PRIMARY[0], len(PRIMARY) * OTHERS))
    yield f"intervals of {EACH} repeats that find a difference, in % (should be {each:.2g}, corrected {corrected:.2g})"
    yield f"{'':44}{'pairs':>6}{'ratio of all':>22}{'in groups':>12}{'resampled':>11}{'corrected':>11}"
    totals = Counter[str]()
    for transport in dict.fromkeys(contestant.transport for contestant in result.contestants):
        for figure in PRIMARY:
            pairs = pairs_of(result.trials, transport, figure, valid_only=valid_only)
            name = f"{TRANSPORTS[transport].title}, {figure.label}"
            if len(pairs) < EACH:
                yield f"{name:<44}{len(pairs):>6}  too few"
                continue
            found = found_in(pairs)
            totals.update(wrong=found.wrong, groups=found.groups)
            low, mean, high = found.bias.low or 0.0, found.bias.mean or 0.0, found.bias.high or 0.0
            yield (
                f"{name:<44}{found.pairs:>6}{f'{mean:.3f} [{low:.3f}, {high:.3f}]':>22}"
                f"{f'{found.wrong} of {found.groups}':>12}{100 * found.resampled:>11.1f}{100 * found.corrected:>11.2f}"
            )
    yield f"groups together: {share(totals['wrong'], totals['groups'])}"


def pairs_of(trials: Sequence[Trial], transport: str, figure: Figure, *, valid_only: bool) -> Pairs:
    """Return a figure of the contestant and of itself again, repeat by repeat."""
    values = {
        (trial.repeat, trial.contestant): figure.of(trial)
        for trial in trials
        if trial.transport == transport and (trial.is_valid or not valid_only)
    }
    found = []
    for (repeat, contestant), value in sorted(values.items()):
        again = values.get((repeat, f"{transport}-{AGAIN}"))
        if contestant == transport and value and again:
            found.append((value, again))
    return found


def found_in(pairs: Pairs, draws: int = DRAWS) -> Finds:
    """Return how often experiments of five find a difference.

    Groups are disjoint, and few. Resampling draws five pairs, and tosses a coin for the order of each pair. That gives
    the same distribution, many times. The generator has a fixed seed.
    """
    groups = [pairs[start : start + EACH] for start in range(0, len(pairs) - EACH + 1, EACH)]
    source, wrong = random.Random(1), Counter[float]()
    corrected = confidence_of(PRIMARY[0], len(PRIMARY) * OTHERS)
    for _ in range(draws):
        drawn = [pair if source.random() < 0.5 else pair[::-1] for pair in source.sample(pairs, EACH)]
        for confidence in (CONFIDENCE, corrected):
            wrong[confidence] += excludes_none(drawn, confidence)
    bias, _ = compared_in_pairs(pairs, CONFIDENCE)
    return Finds(
        pairs=len(pairs),
        bias=bias or Interval(None, None, None),
        groups=len(groups),
        wrong=sum(excludes_none(group, CONFIDENCE) for group in groups),
        resampled=wrong[CONFIDENCE] / draws,
        corrected=wrong[corrected] / draws,
    )


def excludes_none(pairs: Pairs, confidence: float) -> bool:
    """Return whether the interval of the ratio excludes 1."""
    ratio, _ = compared_in_pairs(pairs, confidence)
    return ratio is not None and not (ratio.low or 0.0) <= 1 <= (ratio.high or 0.0)


def share(count: int, total: int) -> str:
    """Return a count of a total, and its part in percent."""
    return f"{count} of {total}" + (f" ({100 * count / total:.1f} %)" if total else "")


if __name__ == "__main__":
    sys.exit(main())
