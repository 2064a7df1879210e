"""What runs in a container of a path: its files are written, its configuration is checked, and it becomes the program.

`python -m wirerace.runner.network.contained`, with the order in the environment.
"""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from wirerace.decoding import decode_json
from wirerace.errors import BadInput
from wirerace.options import variable_of

DIRECTORY = Path("/run/wirerace")
"""Where it may write; docker-compose.yml has it in memory."""
ORDER = variable_of("path_order")


class ContainerOrder(msgspec.Struct, frozen=True):
    """What a container of a path runs: a command, with files by their names in the directory, and variables.

    `check` is the command that says whether a configuration is valid; empty for none.
    """

    command: list[str]
    files: dict[str, str] = {}
    check: list[str] = []
    variables: dict[str, str] = {}


def main(directory: Path = DIRECTORY) -> None:
    """Carry out the order in the environment. This process becomes the command, or ends with what is wrong."""
    try:
        order = decode_json(os.environ.get(ORDER, "").encode(), ContainerOrder, ORDER)
    except BadInput as error:
        sys.exit(str(error))
    variables = {name: value for name, value in os.environ.items() if name != ORDER} | order.variables
    os.umask(0o077)
    for name, text in order.files.items():
        (directory / name).write_text(text, "utf-8")
    if order.check and subprocess.run(order.check, env=variables, check=False).returncode:  # noqa: S603 -- our own
        sys.exit(f"{order.check[0]} refuses its configuration")
    os.execvpe(order.command[0], order.command, variables)  # noqa: S606 -- our own


if __name__ == "__main__":
    main()
