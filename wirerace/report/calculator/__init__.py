"""The page of `wirerace advise --page`: one file with model, style and scripts, which needs no network."""

import base64
import hashlib
from pathlib import Path

import msgspec

from wirerace.analysis.cost_model import estimate, flips, predict
from wirerace.analysis.cost_model.estimate import Need, Prices
from wirerace.analysis.cost_model.model import CostModel
from wirerace.transports import TRANSPORTS

FOLDER = Path(__file__).parent
SCRIPTS = ("predict", "estimate", "words", "page")
"""In the order in which they are run. All but the last compute only, and touch nothing of the page."""


def page_of(model: CostModel, need: Need, prices: Prices) -> str:
    """Return the page as HTML. It begins with a need and prices, unless its address has others."""
    style = (FOLDER / "style.css").read_text("utf-8")
    script = "\n".join((FOLDER / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    replaced = {
        "@POLICY@": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "@STYLE@": style,
        "@DATA@": data_of(model, need, prices),
        "@SCRIPT@": script,
    }
    page = (FOLDER / "page.html").read_text("utf-8")
    for mark, text in replaced.items():
        page = page.replace(mark, text)
    return page


def data_of(model: CostModel, need: Need, prices: Prices) -> str:
    """Return what the scripts need, as JSON that can stand in a page: the model, the first state, the constants."""
    document = {
        "model": model,
        "need": need,
        "prices": prices,
        "titles": {name: TRANSPORTS[name].title for name in model.transports},
        "colours": {name: TRANSPORTS[name].color for name in model.transports},
        "constants": {
            "mostBusy": predict.MOST_BUSY,
            "mostProcesses": estimate.MOST_PROCESSES,
            "holdSeconds": estimate.HOLD_SECONDS,
            "leastInterval": estimate.LEAST_INTERVAL_SECONDS,
            "mostInterval": estimate.MOST_INTERVAL_SECONDS,
            "hoursPerMonth": estimate.HOURS_PER_MONTH,
            "simplestFirst": estimate.SIMPLEST_FIRST,
            "alikeFraction": estimate.ALIKE_FRACTION,
            "alikeMoney": estimate.ALIKE_MONEY,
            "step": flips.STEP,
            "steps": 8 * flips.DECADES,
            "halvings": flips.HALVINGS,
            "limits": flips.LIMITS,
            "mostLoad": {name: predict.most_load(name) for name in model.transports},
        },
    }
    return msgspec.json.encode(document).decode().replace("<", "\\u003c")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
