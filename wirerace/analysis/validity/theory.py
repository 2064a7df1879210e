"""Theory: what is outside of its tolerance, and whether something else was found that may be why."""

from collections.abc import Iterator

from wirerace.analysis.validity.finding import Evidence
from wirerace.experiment.trial import Finding


def check(evidence: Evidence, *, explained: bool) -> Iterator[Finding]:
    """Yield what was found of theory beside measurement; it was `explained` if another check found anything."""
    for cell in evidence.trial.theory:
        if cell.within is False:
            name = cell.quantity.removesuffix("_seconds").replace("_", " ")
            ratio = "" if cell.ratio is None else f", {cell.ratio:.3g} × the prediction"
            cause = "see the other findings" if explained else "nothing else was found that would explain it"
            yield Finding("doubt", f"{name} is outside of what theory allows{ratio}: {cause}")
