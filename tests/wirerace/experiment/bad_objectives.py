"""Experiment files with objectives that are none, as in bad_files.py."""

from tests.wirerace.experiment.files import LEAST

SIGNS = "< <= > >= =="


def with_objective(text: str) -> str:
    return f"{LEAST}objectives = ['{text}']\n"


BAD_OBJECTIVES = {
    "objectives of text": (LEAST + 'objectives = "lost == 0"', "objectives", ["a list", "'lost == 0'"]),
    "objective of a number": (LEAST + "objectives = [1]", "objectives[0]", ["text", "1"]),
    "objectives in a list": (
        LEAST + 'objectives = [["lost == 0", "lost < 1"]]',
        "objectives[0]",
        ["list in a list", "each member"],
    ),
    "objective without a sign": (with_objective("latency.p99"), "objectives[0]", [SIGNS, "'latency.p99'"]),
    "objective with a sign that is none": (with_objective("lost = 0"), "objectives[0]", [SIGNS, "'lost = 0'"]),
    "objective with two limits": (with_objective("1 < lost < 3"), "objectives[0]", [SIGNS, "'1 < lost < 3'"]),
    "objective the other way round": (with_objective("0 == lost"), "objectives[0]", ['"latency.p99 < 0.2"']),
    "objective with a unit": (with_objective("latency.p99 < 200 ms"), "objectives[0]", ["without a unit", "seconds"]),
    "objective in percent": (with_objective("reach > 99%"), "objectives[0]", ["without a unit", "parts of 1"]),
    "objective of a ratio": (with_objective("latency.p99 < 1.2x"), "objectives[0]", ["1.2x", "compare --fail-if"]),
    "objective without a limit": (with_objective("latency.p99 < "), "objectives[0]", ["a number"]),
    "objective of infinity": (with_objective("latency.p99 < inf"), "objectives[0]", ["a number"]),
    "empty objective": (with_objective(""), "objectives[0]", [SIGNS, "''"]),
    "objective twice": (
        LEAST + 'objectives = ["lost == 0", "lost==0.0"]',
        "objectives[1]",
        ["'lost==0.0'", "there already", "leave it out"],
    ),
}
