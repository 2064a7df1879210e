"""The page of a tab: the live page's own client and transports, and a script that keeps every delivery."""

from pathlib import Path

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "watch" / "page"
SCRIPTS = ("measure", "client", "transports/*")
"""The live page's scripts that a tab has, too: so both receive in the same way."""
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
"""An isolated page has timers of 5 µs in Chromium, and of 100 µs otherwise."""


def page() -> str:
    """Return the page. It loads nothing, and receives nothing before it is told to."""
    files = [path for name in SCRIPTS for path in sorted(SHARED.glob(f"{name}.js"))]
    script = "\n".join(path.read_text("utf-8") for path in [*files, HERE / "tab.js"])
    return f'<!doctype html><meta charset="utf-8"><title>A tab of a trial</title><script>{script}</script>'
