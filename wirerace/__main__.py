"""`python -m wirerace` is `wirerace`."""

from wirerace.cli import main

main()
