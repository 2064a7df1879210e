"""The commands: each has a module of its name, which is imported when the command is named."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

SUMMARIES = {
    "run": "Run an experiment, and print its answer.",
    "reproduce": "Measure a published result again, and compare it.",
    "locust": "Start producer, servers and Locust's page.",
    "workers": "Make load on this host for a run on another one.",
    "watch": "Start producer, servers and the live page.",
    "show": "Print the answer of a run again.",
    "report": "Make the report of a run again, or one page of several.",
    "compare": "Compare two runs, figure by figure.",
    "check": "Check a server of your own against the contract.",
    "doctor": "Measure the harness on this machine.",
    "advise": "Say which transport to use, and what each would cost.",
}
"""Each command in a few words, which fit into a line of the list."""


def loaded(name: str) -> Any:
    """Return a command, whose module is imported now."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
    alone.command(name)(import_module(f"wirerace.cli.{name}").command)
    return get_command(alone)


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in SUMMARIES.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that arguments name, and the arguments that are left."""
        name, command, left = super().resolve_command(ctx, args)
        return name, command if name is None else loaded(name), left
