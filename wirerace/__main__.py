"""Starts the command line: `wirerace`, and `python -m wirerace`."""

import signal


def main() -> None:
    """Import the command line and run it. Ctrl-C before that ends this process silently, as any signal would."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from wirerace.cli import main as run  # noqa: PLC0415 -- it takes most of a second

    run()


if __name__ == "__main__":
    main()
