"""Figures by their ids, as people type them: an unknown one gets those that it may have been meant for first."""

from wirerace.analysis.aggregate import OF_VISITORS_TOO
from wirerace.analysis.fault_figures import FAULT_FIGURES
from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.visit_figures import VISIT_FIGURES
from wirerace.errors import BadInput, shown
from wirerace.experiment.model import Experiment
from wirerace.similar import MOST_MEANT, did_you_mean, similar

OF_MESSAGES, OF_RELAYING, OF_TABS = "messages.", "messages.relayed", "browsers."
FIGURES_ALIKE = 0.5
_OF_FAULTS = {figure.id for figure in FAULT_FIGURES}
_OF_VISITS = {figure.id for figure in VISIT_FIGURES}


def figure_named(name: str, at: str) -> Figure:
    """Return a figure, given its id.

    Raises BadInput, naming all ids with the most similar ones first, when there is none.
    """
    if name in BY_ID:
        return BY_ID[name]
    close = similar(name, BY_ID, FIGURES_ALIKE)
    close += [known for known in BY_ID if known.partition(".")[0] == name and known not in close]
    close = close[:MOST_MEANT]
    others = ", ".join(known for known in BY_ID if known not in close)
    raise BadInput(f"{at}: there is no figure {shown(name)}{did_you_mean(close)} there are {others}")


def why_never(figure: Figure, experiment: Experiment) -> str:
    """Return why an experiment never has a figure, and the cure; empty if it has."""
    name, upstream = figure.id, experiment.upstream
    if experiment.population.is_visit and name not in _OF_VISITS | OF_VISITORS_TOO:
        return f"visitors have no {name}: name a figure of visits, or leave population.kind out"
    if not experiment.population.is_visit and name in _OF_VISITS:
        return f'clients that stay have no {name}: write kind = "visit" under [population], or name another figure'
    if name.startswith(OF_MESSAGES) and not upstream.is_on:
        return f"clients that send nothing have no {name}: set upstream.rate_per_second above 0"
    if name.startswith(OF_RELAYING) and not upstream.fan_out:
        return f"messages that are not passed on have no {name}: set upstream.fan_out = true"
    if name.startswith(OF_TABS) and not experiment.clients.browsers:
        return f"without browser tabs there is no {name}: set clients.browsers above 0"
    no_faults = f"without a fault there is no {name}: add [[faults]], or name another figure"
    return no_faults if name in _OF_FAULTS and not experiment.faults else ""
